"""Formats a check as one HTML page without scripts: the verdict, and a picture of each task's change."""

from __future__ import annotations

from collections.abc import Callable

from blackbox_repo.text.plain_text import html_text
from simulator.quality.check import Check
from simulator.quality.comparison import CONFIDENCE, Comparison, Effect, Verdict

COLOURS = {
    Verdict.UNCHANGED: "#8a8f98",
    Verdict.EQUIVALENT: "#2a8a4a",
    Verdict.IMPROVED: "#2468c8",
    Verdict.UNDECIDED: "#b58100",
    Verdict.REGRESSED: "#c62f2f",
}
_WIDTH, _ROW, _LABEL, _VERDICT = 900, 30, 330, 110
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 960px; margin: 2em auto; color: #1c1e21 }
h1 { font-size: 1.35em } pre { background: #f4f5f7; padding: .8em; overflow-x: auto }
table { border-collapse: collapse }
td, th { padding: .25em .7em; text-align: right; border-bottom: 1px solid #ddd }
td:first-child, th:first-child { text-align: left } svg text { font: 13px system-ui, sans-serif }
"""


def format_page(check: Check) -> str:
    """The whole page.

    Args:
        check: The check.
    """
    comparison = check.comparison
    colour = COLOURS[comparison.verdict]
    departures = "".join(
        f"<h2>Where the behaviour differs first: {html_text(name)}, seed 0</h2>"
        f"<pre>{html_text(departure)}</pre>"
        for name, departure in check.departures.items()
    )
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{comparison.verdict.value}: "
        f"{html_text(comparison.scheduler)}</title><style>{_STYLE}</style></head><body>"
        f"<h1 style='color:{colour}'>{html_text(comparison.summary)}</h1>"
        f"<p><code>{html_text(comparison.scheduler)}</code> against "
        f"<code>{html_text(comparison.baseline)}</code>; suite <code>{html_text(comparison.suite)}</code>, "
        f"digest <code>{check.now.digest[:12]}</code>, was <code>{check.baseline.digest[:12]}</code>.</p>"
        f"{_picture(comparison)}{_table(comparison)}{departures}</body></html>\n"
    )


def _picture(comparison: Comparison) -> str:
    """The interval of each task's change, over a band for changes that make no practical difference."""
    rows = (*comparison.tasks, comparison.together)
    limit = _limit(comparison)

    def x_of(change: float) -> float:
        share = (min(max(change, -limit), limit) / limit + 1) / 2
        return _LABEL + share * (_WIDTH - _LABEL - _VERDICT)

    height = _ROW * (len(rows) + 1)
    low, high = x_of(-comparison.margin), x_of(comparison.margin)
    effects = "".join(_draw_effect(effect, _ROW * (k + 0.5), x_of) for k, effect in enumerate(rows))
    ticks = "".join(
        f"<text x='{x_of(tick):.1f}' y='{height - 8}' text-anchor='middle'>{tick:+.3g}</text>"
        for tick in (-limit, -comparison.margin, 0.0, comparison.margin, limit)
    )
    return (
        f"<svg viewBox='0 0 {_WIDTH} {height}' role='img' aria-label='change of the regret by task'>"
        f"<rect x='{low:.1f}' y='0' width='{high - low:.1f}' height='{height - _ROW}' fill='#eef1f4'/>"
        f"<line x1='{x_of(0):.1f}' x2='{x_of(0):.1f}' y1='0' y2='{height - _ROW}' stroke='#888'/>"
        f"{effects}{ticks}</svg><p>Change of the regret, right is worse: estimate and "
        f"{CONFIDENCE:.0%} interval. Within the grey band it makes no practical difference.</p>"
    )


def _limit(comparison: Comparison) -> float:
    ends = [abs(end) for effect in comparison.tasks for end in (effect.test.low, effect.test.high)]
    finite = [end for end in ends if end < float("inf")]
    return 1.15 * max([2 * comparison.margin, *finite])


def _draw_effect(effect: Effect, y: float, x_of: Callable[[float], float]) -> str:
    colour, test = COLOURS[effect.verdict], effect.test
    return (
        f"<text x='0' y='{y + 4:.1f}'>{html_text(effect.name)}</text>"
        f"<line x1='{x_of(test.low):.1f}' x2='{x_of(test.high):.1f}' y1='{y:.1f}' y2='{y:.1f}' "
        f"stroke='{colour}' stroke-width='3'/>"
        f"<circle cx='{x_of(test.estimate):.1f}' cy='{y:.1f}' r='5' fill='{colour}'/>"
        f"<text x='{_WIDTH}' y='{y + 4:.1f}' text-anchor='end' fill='{colour}'>{effect.verdict.value}</text>"
    )


def _table(comparison: Comparison) -> str:
    rows = "".join(
        f"<tr><td>{html_text(effect.name)}</td><td>{effect.before:.4f}</td><td>{effect.now:.4f}</td>"
        f"<td>{effect.test.estimate:+.4f}</td><td>{effect.test.low:+.4f} to {effect.test.high:+.4f}</td>"
        f"<td>{effect.worse:.2g}</td><td>{effect.changed}</td></tr>"
        for effect in (*comparison.tasks, comparison.together)
    )
    return (
        f"<table><tr><th>task</th><th>regret was</th><th>is</th><th>change</th><th>{CONFIDENCE:.0%} interval"
        f"</th><th>p worse</th><th>traces changed</th></tr>{rows}</table>"
    )
