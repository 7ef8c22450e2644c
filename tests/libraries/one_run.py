"""Makes one run of a scheduler and prints what came of it; libraries.py calls it in an environment.

The argument is a ``Fixed`` of schedulers.py in JSON. On standard output, the last line is JSON again.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from blackbox_repo import load_blackbox, views
from simulator import Stop, simulate
from simulator.registry import scheduler_factory


def outcome(scheduler: str, settings: dict[str, Any], blackbox: str, trials: int) -> dict[str, Any]:
    """Digest, real seconds and statistics of the run."""
    name, _, task = blackbox.partition("/")
    world = load_blackbox(name)[task]
    if world.schema.time is None:
        world = views.with_time_model(world, 60)
    factory = scheduler_factory(scheduler, settings)
    began = time.perf_counter()
    run = simulate(world, factory, workers=4, stop=Stop(trials_started=trials), seed=1)
    seconds = time.perf_counter() - began
    best = run.best()
    statuses = [status for status in run.trial_columns["status"] if status != "completed"]
    return {
        "digest": run.digest,
        "seconds": round(seconds, 1),
        "simulated": round(run.seconds),
        "started": len(run.trial_columns["trial"]),
        "ended early": len(statuses),
        "best": None if best is None else float(f"{best.value:.6g}"),
        "statistics": {name: round(rate, 3) for name, rate in run.statistics().items()},
    }


if __name__ == "__main__":
    found = outcome(**json.loads(sys.argv[1]))
    sys.stdout.write("\n" + json.dumps(found) + "\n")
