"""An example of a scheduler that is under test in CI."""

from statistics import median

from simulator import CONTINUE, STOP, Start


class Halving:
    """Random search that stops each trial that, at epoch 1, 3, 9, ..., is worse than the median so far."""

    def __init__(self, schema, seed=0, factor=3):
        self.space, self.target = schema.space, schema.objective(schema.target)
        self.seed, self.started = seed, 0
        self.losses = {}
        level = 1
        while level < schema.fidelity.values[-1]:
            self.losses[level] = []
            level *= factor

    def suggest(self):
        self.started += 1
        return Start(self.space.sample(self.seed, self.started))

    def on_report(self, trial, report):
        losses = self.losses.get(report.fidelity)
        if losses is None:
            return CONTINUE
        losses.append(self.target.loss(report[self.target.name]))
        return CONTINUE if losses[-1] <= median(losses) else STOP

    def on_end(self, trial):
        pass
