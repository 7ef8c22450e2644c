"""The report of a surrogate's quality as one HTML page with pictures, without scripts or other files.

The pictures are drawn by matplotlib (``pip install 'blackbox-repo[plots]'``). The same report gives the same
bytes with the same version of matplotlib.
"""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Schema
from blackbox_repo.store import atomic_file
from blackbox_repo.surrogate.quality import Judgement
from blackbox_repo.surrogate.report import Predictions, Report
from blackbox_repo.surrogate_tables import ReportTable, report_tables
from blackbox_repo.text.plain_text import html_text, printable

_SIZE = (5.2, 4.2)  # inches
_COLOURS = ("#3b82d0", "#d9822b", "#2f9e6e", "#c24f8f", "#8f6fd1", "#a08a2c")  # seen on white and on black
_GREY = "#8a8f98"
_MOST_OBJECTIVES = 6
_RATIOS = (0.01, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.6, 2.5, 5.0, 10.0, 100.0)  # the ticks of a ratio
_SETTINGS = {
    "svg.hashsalt": "surrogate",
    "svg.fonttype": "none",
    "text.parse_math": False,
    **dict.fromkeys(("axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color", "text.color"), _GREY),
}
_STYLE = """
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 1100px; margin: 2em auto; padding: 0 1em }
h1 { font-size: 1.35em } h2 { font-size: 1.1em }
figure { display: inline-block; margin: 0 1em 1em 0; max-width: 100% } svg { max-width: 100%; height: auto }
table { border-collapse: collapse } td, th { padding: .25em .7em; text-align: right }
td, th { border-bottom: 1px solid #8a8f9855 } td:first-child, th:first-child { text-align: left }
"""


def check_plots() -> None:
    """Refuse to begin without matplotlib.

    Raises:
        InvalidOption: It is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise InvalidOption(
            "a page needs matplotlib for its pictures, which is not installed; install it with pip install "
            "'blackbox-repo[plots]'"
        )


def save_page(file: Path, judgement: Judgement, schema: Schema, title: str) -> None:
    """Write the page; it appears complete or not at all.

    Args:
        file: The file; its folder is made.
        judgement: The figures, and what they are made of.
        schema: What the objectives mean.
        title: What the page is about.

    Raises:
        InvalidOption: matplotlib is not installed.
    """
    page = format_page(judgement, schema, title)
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic_file.write(file, page.encode())


def format_page(judgement: Judgement, schema: Schema, title: str) -> str:
    """The page as text; the arguments are those of :func:`save_page`."""
    check_plots()
    report = judgement.report
    pictures = "".join(_pictures(judgement, schema.fidelity.name))
    tables = "".join(map(_table, report_tables(report, schema.fidelity.name, title)))
    return (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{html_text(title)}</title>"
        f"<style>{_STYLE}</style></head><body><h1>{html_text(title)}</h1>{pictures}{tables}</body></html>\n"
    )


def _table(table: ReportTable) -> str:
    title, columns, rows = table
    head = "".join(f"<th>{html_text(column.heading)}</th>" for column in columns)
    body = "".join(f"<tr>{''.join(f'<td>{html_text(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<h2>{html_text(title)}</h2><table><tr>{head}</tr>{body}</table>"


# --- pictures -----------------------------------------------------------------------------------------------


def _pictures(judgement: Judgement, fidelity: str) -> Iterable[str]:
    report = judgement.report
    if report.rank is not None:
        predictions = judgement.predictions
        caption = f"{report.target}: predicted against true, at the last {fidelity}"
        yield _figure(lambda axes: _draw_pairs(axes, predictions, report.target), caption)
    if len(report.fidelities) > 1:
        yield _figure(lambda axes: _draw_ranks(axes, report, fidelity), "rank correlation of each objective")
        if any(report.time):
            caption = "predicted / true elapsed time: median, half and nine tenths of the configurations"
            yield _figure(lambda axes: _draw_times(axes, report, fidelity), caption)


def _figure(draw: Callable[[Any], None], caption: str) -> str:
    """A picture with its caption; it has no colours of its own for text and background."""
    from cycler import cycler
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    settings: Any = {**_SETTINGS, "axes.prop_cycle": cycler(color=_COLOURS)}
    with rc_context(settings), io.StringIO() as out:
        figure = Figure(figsize=_SIZE, layout="constrained")
        draw(figure.add_subplot())
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
        drawn = out.getvalue()
    picture = re.sub(r"\A.*?(?=<svg)|<metadata>.*?</metadata>", "", drawn, flags=re.DOTALL)
    return f"<figure>{picture}<figcaption>{html_text(caption)}</figcaption></figure>"


def _draw_pairs(axes: Any, predictions: Predictions, target: str) -> None:
    true, predicted = predictions.true[target][:, -1], predictions.predicted[target][:, -1]
    known = np.isfinite(true) & np.isfinite(predicted)
    true, predicted = true[known], predicted[known]
    ends = [float(min(true.min(), predicted.min())), float(max(true.max(), predicted.max()))]
    axes.plot(ends, ends, color=_GREY, linewidth=1)
    axes.scatter(true, predicted, s=9, alpha=0.6, linewidths=0)
    if ends[0] > 0 and ends[1] > 20 * np.median(true):  # else most of them cannot be seen
        _make_logarithmic(axes, "x")
        _make_logarithmic(axes, "y")
    axes.set_xlabel("true")
    axes.set_ylabel("predicted")


def _make_logarithmic(axes: Any, which: str) -> None:
    """A logarithmic axis with plain numbers, as formulas are not set."""
    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def _draw_ranks(axes: Any, report: Report, fidelity: str) -> None:
    drawn = [(name, each) for name, each in report.objectives.items() if len(each.spearman) > 1]
    drawn.sort(key=lambda item: item[0] != report.target)
    for name, each in drawn[:_MOST_OBJECTIVES]:
        figures = [float("nan") if figure is None else figure for figure in each.spearman]
        style = {"marker": "o", "markersize": 3, "linewidth": 2.4 if name == report.target else 1.2}
        axes.plot(report.fidelities, figures, label=printable(name), **style)
    axes.set_xlabel(printable(fidelity))
    axes.set_ylabel("rank correlation")
    axes.legend(frameon=False, fontsize="small", ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.15))


def _draw_times(axes: Any, report: Report, fidelity: str) -> None:
    known = [
        (f, quantiles) for f, quantiles in zip(report.fidelities, report.time, strict=False) if quantiles
    ]
    where = [f for f, _ in known]
    low, less, middle, more, high = zip(*(quantiles for _, quantiles in known), strict=True)
    axes.axhline(1.0, color=_GREY, linewidth=1)
    axes.fill_between(where, low, high, alpha=0.2, linewidth=0, color=_COLOURS[0])
    axes.fill_between(where, less, more, alpha=0.35, linewidth=0, color=_COLOURS[0])
    axes.plot(where, middle, linewidth=2)
    _make_logarithmic(axes, "y")
    low_end, high_end = axes.get_ylim()
    axes.set_yticks([ratio for ratio in _RATIOS if low_end < ratio < high_end])
    axes.set_xlabel(printable(fidelity))
    axes.set_ylabel("predicted / true")
