"""A fixed set of simulations and their digests, as JSON: run in many processes, compared with each other.

    python tests/digests.py [--batch 50] [NAME ...]

Needs little more than numpy and pyarrow, so that many Pythons can run it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from blackbox_repo import views
from blackbox_repo.repository import load_blackbox
from simulator.api import simulate
from simulator.quality.comparison import compare
from simulator.quality.results import measure
from simulator.quality.suites import find_suite
from simulator.schedulers.asha import ASHA
from simulator.schedulers.asha_promotion import PromotionASHA
from simulator.schedulers.grid_search import GridSearch
from simulator.schedulers.random_search import RandomSearch
from simulator.settings.conditions import Conditions
from simulator.settings.delays import Delays
from simulator.settings.distributions import Exponential, LogNormal, Uniform
from simulator.settings.failures import Failures
from simulator.settings.stopping import Stop
from tests.golden import traces as golden

if TYPE_CHECKING:
    from blackbox_repo.blackbox import Blackbox
    from blackbox_repo.curve import LearningCurve
    from simulator.results.run import Run

SLOW_CLUSTER = Conditions(delays=Delays(start=1.5, report=20.0, complete=60.0, stop=700.0, stopped=11.0))


def network_box(task: str, batch: int | None) -> Blackbox:
    """A LCBench task that predicts its curves in batches of this size."""
    blackbox = load_blackbox("yahpo-lcbench")[task]
    if batch is not None:
        blackbox.batch = batch
    return blackbox


def asha_on_network(batch: int | None) -> list[Run]:
    tasks = [network_box(task, batch) for task in ("3945", "189908")]
    return [simulate(task, ASHA, workers=8, stop=Stop(time=600), seed=1) for task in tasks]


def promotion_on_network(batch: int | None) -> list[Run]:
    stop = Stop(time=20_000, trials_started=80)
    return [simulate(network_box("126026", batch), PromotionASHA, workers=8, stop=stop, seed=2)]


def nasbench201(_batch: int | None) -> list[Run]:
    tasks = load_blackbox("nasbench201-final")
    runs = [(RandomSearch, "cifar10-valid"), (PromotionASHA, "ImageNet16-120")]
    return [
        simulate(tasks[task], scheduler, workers=4, stop=Stop(trials_started=300), seed=3)
        for scheduler, task in runs
    ]


def grid_with_time_model(_batch: int | None) -> list[Run]:
    macro = views.with_time_model(load_blackbox("nasbench-macro")["cifar10"], 3600.0)
    taskset = next(iter(load_blackbox("taskset").values()))
    stop = Stop(trials_started=200)
    return [
        simulate(views.with_time_model(taskset, 0.1), GridSearch, workers=3, stop=stop),
        simulate(views.with_target(macro, "flops"), GridSearch, workers=3, stop=stop),
    ]


def stops_and_pauses(_batch: int | None) -> list[Run]:
    nlp = load_blackbox("nasbench-nlp")["wikitext-2"]
    stop, without = Stop(trials_started=200), Conditions(delays=SLOW_CLUSTER.delays, checkpoints=False)
    return [
        simulate(nlp, ASHA, workers=8, stop=stop, seed=4, conditions=SLOW_CLUSTER),
        simulate(nlp, PromotionASHA, workers=8, stop=stop, seed=5, conditions=SLOW_CLUSTER),
        simulate(nlp, PromotionASHA, workers=8, stop=stop, seed=5, conditions=without),
    ]


def thinks_and_fails(_batch: int | None) -> list[Run]:
    nlp = load_blackbox("nasbench-nlp")["wikitext-2"]
    failures = Failures(crash=Exponential(40_000), preempt=LogNormal(5000, 0.7), away=Uniform(0, 90))
    conditions = [
        Conditions(SLOW_CLUSTER.delays, decision_time=LogNormal(2, 0.5), failures=failures),
        Conditions(poll=60, decision_time=1.5, speeds=LogNormal(1, 0.3)),
    ]
    return [
        simulate(nlp, scheduler, workers=8, stop=Stop(trials_started=150), seed=6, conditions=each)
        for each in conditions
        for scheduler in (ASHA, PromotionASHA)
    ]


SETS: dict[str, Callable[[int | None], list[Run]]] = {
    "asha_on_network": asha_on_network,
    "promotion_on_network": promotion_on_network,
    "nasbench201": nasbench201,
    "grid_with_time_model": grid_with_time_model,
    "stops_and_pauses": stops_and_pauses,
    "thinks_and_fails": thinks_and_fails,
}
CURVES, GOLDEN, REGRESSION = "network_curves", "golden", "regression"


def curve_digest(curves: Iterable[LearningCurve]) -> str:
    """SHA-256 of all bits of all objectives."""
    hashed = hashlib.sha256()
    for curve in curves:
        for objective in curve.schema.objectives:
            hashed.update(curve[objective.name].astype("<f8").tobytes())
    return hashed.hexdigest()


def network_curves(batch: int | None) -> str:
    """The digest of 50 whole curves, predicted in batches (all together by default)."""
    blackbox, size = load_blackbox("yahpo-lcbench")["167200"], batch or 50
    configurations = [blackbox.schema.space.sample("digests", number) for number in range(50)]
    chunks = [configurations[i : i + size] for i in range(0, 50, size)]
    return curve_digest(curve for chunk in chunks for curve in blackbox.curves(chunk))


def regression_kit() -> list[str]:
    """The golden traces, scores and verdict that users of the kit commit and compare."""
    suite = find_suite("smoke-1")
    before, now = (measure(make, suite, seeds=12) for make in (ASHA, RandomSearch))
    lines = [f"{row.case} {row.seed} {row.regret!r} {row.digest}" for row in (*before.rows, *now.rows)]
    goldens = [hashlib.sha256(row.golden.encode()).hexdigest() for row in before.rows if row.golden]
    return [*lines, *goldens, compare(before, now).summary]


def digests(names: Iterable[str], batch: int | None) -> dict[str, list[str]]:
    """Name of a set -> for each run its digest, what its header says, and how much happened."""
    found = {}
    for name in names:
        if name == CURVES:
            found[name] = [network_curves(batch)]
        elif name == GOLDEN:
            found[name] = golden.digests()
        elif name == REGRESSION:
            found[name] = regression_kit()
        else:
            found[name] = [line for run in SETS[name](batch) for line in described(run)]
    return found


def described(run: Run) -> list[str]:
    header = json.dumps({key: value for key, value in run.header.items() if not key.startswith("version")})
    counts = f"{len(run.trial_columns['trial'])} trials, {len(run.records)} events, {run.end} ns"
    return [run.digest, hashlib.sha256(header.encode()).hexdigest(), counts]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=[*SETS, CURVES, GOLDEN, REGRESSION])
    parser.add_argument("--batch", type=int)
    arguments = parser.parse_args()
    json.dump(digests(arguments.names, arguments.batch), sys.stdout, indent=1)


if __name__ == "__main__":
    main()
