"""Independent fidelities: each value is a training of its own, and may take less than a smaller one (T6a)."""

from __future__ import annotations

from blackbox_repo.blackbox import from_function
from blackbox_repo.domains import Integer
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from simulator import CONTINUE, Decision, Report, Resume, Start, Stop, Trial, simulate

TIMES = {0.25: 8.0, 0.5: 3.0, 1: 5.0}


class ThreeFractions:
    """Trains one configuration with a quarter, half, and all of the data."""

    def __init__(self) -> None:
        self.left = list(TIMES)

    def suggest(self) -> Start | Resume | None:
        if not self.left:
            return None
        until = self.left.pop(0)
        return Start({"x": 1}, until=until) if until == 0.25 else Resume(0, until=until)

    def on_report(self, trial: Trial, report: Report) -> Decision:
        return CONTINUE

    def on_end(self, trial: Trial) -> None:
        """Nothing to note."""


def test_a_fraction_of_the_data_may_take_less_time_than_a_smaller_one() -> None:
    schema = Schema(
        Space({"x": Integer(1, 2)}),
        Fidelity("fraction", tuple(TIMES), kind="independent"),
        (Objective("error", "min"), Objective("elapsed_time", "none", "s", cumulative=True)),
        target="error",
        time="elapsed_time",
    )
    box = from_function(schema, lambda c, seed: {"error": [3, 2, 1], "elapsed_time": list(TIMES.values())})
    run = simulate(box, ThreeFractions(), workers=1, stop=Stop(reports=3))
    reports = [(report["time"], report["fidelity"]) for report in run.reports().to_pylist()]
    assert reports == [(8.0, 0.25), (11.0, 0.5), (16.0, 1)]
