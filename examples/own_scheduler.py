"""A scheduler of your own: three methods, no base class.

Run it on the command line, from this folder:

    bb-sim run nasbench-nlp --scheduler py:own_scheduler:WorseHalf --set scheduler.epoch=10
"""

from __future__ import annotations

from statistics import median

from blackbox_repo import Schema, load_blackbox
from simulator import CONTINUE, STOP, Decision, Report, Start, Stop, Trial, simulate


class WorseHalf:
    """Random search that stops, at one epoch, each trial that is worse than the median there so far."""

    def __init__(self, schema: Schema, seed: int = 0, *, epoch: int = 5) -> None:
        self.space, self.target = schema.space, schema.objective(schema.target)
        self.seed, self.epoch = seed, epoch
        self.started = 0
        self.losses: list[float] = []

    def suggest(self) -> Start:
        """Start a random configuration; it is drawn by a key, so that the run is the same everywhere."""
        self.started += 1
        return Start(self.space.sample(self.seed, "worse half", self.started))

    def on_report(self, trial: Trial, report: Report) -> Decision:
        """Compare the trial with the others at one epoch only."""
        if report.fidelity != self.epoch:
            return CONTINUE
        self.losses.append(self.target.loss(report[self.target.name]))
        return CONTINUE if self.losses[-1] <= median(self.losses) else STOP

    def on_end(self, trial: Trial) -> None:
        """Do nothing: the reports contained everything there is to learn."""


def main() -> None:
    """Simulate one week on eight workers."""
    blackbox = load_blackbox("nasbench-nlp")["wikitext-2"]
    run = simulate(blackbox, WorseHalf, workers=8, stop=Stop(time=7 * 24 * 3600))
    statuses = run.trials()["status"].to_pylist()
    print({status: statuses.count(status) for status in sorted(set(statuses))})
    print(run.best())


if __name__ == "__main__":
    main()
