"""A blackbox of your own: any function that returns learning curves, here a made-up training."""

from __future__ import annotations

import math
from typing import Any

from blackbox_repo import Fidelity, Float, Integer, Objective, Schema, Space, from_function
from simulator import ASHA, Conditions, Delays, Stop, simulate

EPOCHS = range(1, 28)

schema = Schema(
    space=Space({"learning_rate": Float(1e-4, 1.0, log=True), "width": Integer(16, 256, log=True)}),
    fidelity=Fidelity("epoch", tuple(EPOCHS)),
    objectives=(
        Objective("loss", goal="min"),
        Objective("elapsed_time", goal="none", unit="s", cumulative=True),
    ),
    target="loss",
    time="elapsed_time",
)


def train(configuration: dict[str, Any], seed: int) -> dict[str, list[float]]:
    """The best learning rate is 0.01; a wider network is better and slower."""
    distance = abs(math.log10(configuration["learning_rate"]) + 2)
    floor = 0.1 + 0.2 * distance + 2 / configuration["width"]
    seconds = 1 + configuration["width"] / 64
    return {
        "loss": [floor + math.exp(-epoch / 5) for epoch in EPOCHS],
        "elapsed_time": [seconds * epoch for epoch in EPOCHS],
    }


blackbox = from_function(schema, train, name="made up")
slow_network = Conditions(delays=Delays(start=1.0, report=0.2, stop=0.5))
run = simulate(blackbox, ASHA, workers=4, stop=Stop(trials_started=100), conditions=slow_network)

print(f"{run.seconds:.1f} simulated seconds, ended by {run.reason}")
print(run.best())
print(run.digest)
