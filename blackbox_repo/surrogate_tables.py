"""The report of a surrogate's quality as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from blackbox_repo.surrogate.metrics import QUANTILES
from blackbox_repo.surrogate.report import ObjectiveReport, Report, SchedulerAgreement
from blackbox_repo.text.terminal import Column, Row

ReportTable = tuple[str, list[Column], Sequence[Row]]
"""Title, columns and rows."""


def report_tables(report: Report, fidelity: str, name: str) -> Iterator[ReportTable]:
    """All tables of a report.

    Args:
        report: The report.
        fidelity: What the fidelity is called, such as ``"epoch"``.
        name: What the report is about, for titles.
    """
    yield _objectives(report, f"{name}: {describe(report)}")
    if len(report.fidelities) > 1:
        yield _fidelities(report, fidelity)
    if report.time:
        yield _calibration(report, fidelity)
    if any(each.seeds for each in report.objectives.values()):
        yield _seeds(report)
    if report.schedulers is not None:
        yield _schedulers(report.schedulers)


def describe(report: Report) -> str:
    """How the figures came about, in a few words."""
    which = "all" if report.configurations == report.examples else f"{report.configurations:,}"
    return f"{which} of {report.examples:,} configurations, predicted by models fitted without them"


def _objectives(report: Report, title: str) -> ReportTable:
    headings = ["R2", "rank correlation", "Kendall", "mean error", f"top {report.top}"]
    rows = [
        (name, *(_figure(f[-1]) for f in _columns(each)), _figure(each.top))
        for name, each in report.objectives.items()
    ]
    return title, _headed("objective", headings), rows


def _fidelities(report: Report, fidelity: str) -> ReportTable:
    target = report.objectives[report.target]
    headings = ["R2", "rank correlation", "Kendall", "mean error"]
    if len(target.r2) == 1:  # it is constant
        return f"{report.target} is the same at every {fidelity}", _headed(fidelity, headings), []
    rows = [
        (str(value), *map(_figure, figures))
        for value, *figures in zip(report.fidelities, *_columns(target), strict=True)
    ]
    return f"{report.target} by {fidelity}", _headed(fidelity, headings), rows


def _columns(each: ObjectiveReport) -> tuple[tuple[float | None, ...], ...]:
    return each.r2, each.spearman, each.kendall, each.mae


def _calibration(report: Report, fidelity: str) -> ReportTable:
    headings = [f"{share:.0%}" for share in QUANTILES]
    rows: list[Row] = [
        (str(value), *(_figure(quantile) for quantile in quantiles or [None] * len(QUANTILES)))
        for value, quantiles in zip(report.fidelities, report.time, strict=False)
    ]
    return "quantiles of predicted / true elapsed time", _headed(fidelity, headings), rows


def _seeds(report: Report) -> ReportTable:
    rows = [
        (name, _figure(each.seeds[-1]), _figure(each.predicted_seeds[-1] if each.predicted_seeds else None))
        for name, each in report.objectives.items()
        if each.seeds
    ]
    title = "standard deviation over the seeds of a configuration at the end, its median over configurations"
    return title, _headed("objective", ["table", "surrogate"]), rows


def _schedulers(agreement: SchedulerAgreement) -> ReportTable:
    rows = [
        (name, _figure(regret), _figure(agreement.surrogate[name]))
        for name, regret in sorted(agreement.table.items(), key=lambda item: item[1])
    ]
    title = (
        f"mean regret of {agreement.runs} runs, {agreement.configurations} configurations that the surrogate "
        f"was not fitted to: rank correlation {agreement.spearman:.2f}, Kendall {agreement.kendall:.2f} (of "
        f"two halves of the table's runs {agreement.halves:.2f}), over {agreement.different} schedulers that "
        f"differ"
    )
    return title, _headed("scheduler", ["table", "surrogate"]), rows


def _headed(first: str, others: Sequence[str]) -> list[Column]:
    return [Column(first), *(Column(heading, right=True) for heading in others)]


def _figure(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3g}" if abs(value) >= 1000 or 0 < abs(value) < 0.001 else f"{value:.3f}"
