"""Formats a check as Markdown for a comment on a pull request."""

from __future__ import annotations

from blackbox_repo.text.plain_text import markdown_block, markdown_code
from simulator.quality.check import Check
from simulator.quality.comparison import CONFIDENCE, Comparison, Effect, Verdict

SIGNS = {
    Verdict.UNCHANGED: "⚪",
    Verdict.EQUIVALENT: "🟢",
    Verdict.IMPROVED: "🔵",
    Verdict.UNDECIDED: "🟡",
    Verdict.REGRESSED: "🔴",
}
_BARS, _BINS = "▁▂▃▄▅▆▇█", 11
_SHOWN_TASKS = 3


def format_markdown(check: Check) -> str:
    """The verdict, a table of the tasks, and the first difference in behaviour, as Markdown.

    Args:
        check: The check.
    """
    comparison = check.comparison
    against = (
        f"{markdown_code(comparison.scheduler)} against {markdown_code(comparison.baseline)}; suite "
        f"{markdown_code(comparison.suite)}, digest `{check.now.digest[:12]}`, was "
        f"`{check.baseline.digest[:12]}`. The regret is 0 for the best "
        f"possible value and 1 for the median configuration, averaged over the simulated budget."
    )
    title = f"### {SIGNS[comparison.verdict]} {comparison.summary}"
    return "\n".join([title, "", *_table(comparison), "", *_departures(check), against, ""])


def _table(comparison: Comparison) -> list[str]:
    heading = (
        f"| task | regret was | is | change | {CONFIDENCE:.0%} interval | p worse | traces changed | "
        f"changes of the seeds, {-3 * comparison.margin:g} … {3 * comparison.margin:g} | |"
    )
    rows = [heading, "| --- | ---: | ---: | ---: | --- | ---: | ---: | --- | --- |"]
    return rows + [_row(effect, comparison.margin) for effect in (*comparison.tasks, comparison.together)]


def _row(effect: Effect, margin: float) -> str:
    of = "" if effect.name == "all" else f" of {len(effect.changes)}"
    cells = [
        f"**{effect.name}**" if effect.name == "all" else effect.name,
        f"{effect.before:.4f}",
        f"{effect.now:.4f}",
        f"{effect.test.estimate:+.4f}",
        f"{effect.test.low:+.4f} to {effect.test.high:+.4f}",
        f"{effect.worse:.2g}",
        f"{effect.changed}{of}",
        f"`{sparkline(effect.changes, 3 * margin)}`",
        f"{SIGNS[effect.verdict]} {effect.verdict.value}",
    ]
    return f"| {' | '.join(cells)} |"


def sparkline(changes: tuple[float, ...], limit: float) -> str:
    """The distribution of the changes as a line of bars.

    Args:
        changes: Changes of the regret.
        limit: The line goes from -limit to limit; changes beyond count at its ends.
    """
    counts = [0] * _BINS
    for change in changes:
        index = round((change / limit + 1) / 2 * (_BINS - 1))
        counts[min(max(index, 0), _BINS - 1)] += 1
    most = max(counts)
    return "".join(_BARS[-(-count * (len(_BARS) - 1) // most)] for count in counts)


def _departures(check: Check) -> list[str]:
    lines = []
    for name, departure in list(check.departures.items())[:_SHOWN_TASKS]:
        lines += [
            f"<details><summary>Where the behaviour differs first: {name}, seed 0</summary>",
            "",
            markdown_block(departure),
            "",
            "</details>",
            "",
        ]
    more = len(check.departures) - _SHOWN_TASKS
    return [*lines, f"It differs on {more} more tasks.", ""] if more > 0 else lines
