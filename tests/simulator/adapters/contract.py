"""What every adapter is tested against, and how the snippets of docs/schedulers.md are run."""

from __future__ import annotations

import math
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from blackbox_repo import views
from blackbox_repo.blackbox import Blackbox, from_function
from blackbox_repo.domains import Categorical, Constant, Float, Integer, Ordinal
from blackbox_repo.repository import load_blackbox
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Configuration, Space
from simulator import Conditions, Failures, Run, Stop, simulate
from simulator.global_state import library_seed
from tests.simulator.schedulers.problems import PROBLEMS

EPOCHS = 9
SEED = 5
OWN = library_seed(SEED)
"""What a library is seeded with in a run with that seed."""
ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs" / "schedulers.md"
STUMBLING = ("conditional", "maximized", "tiny", "one epoch", "independent")
PROCESS = """
from simulator import Stop, simulate
from simulator.registry import scheduler_factory
from tests.simulator.schedulers.problems import PROBLEMS
factory = scheduler_factory({scheduler!r}, {settings!r})
print(simulate(PROBLEMS["conditional"](), factory, workers=4, stop=Stop(trials_started=30), seed=7).digest)
"""
ELSEWHERE = """
import pickle, sys
from tests.simulator.adapters.contract import NUMBERS, made_blackbox, simulated
factory = pickle.load(sys.stdin.buffer)
print(simulated(made_blackbox(NUMBERS), factory, int(sys.argv[1])).digest)
"""
HARD = Conditions(decision_time=3, failures=Failures(crash=70, preempt=200, away=7))

SPACE = Space(
    {
        "x": Float(-2, 2),
        "lr": Float(1e-5, 1e-1, log=True),
        "layers": Integer(1, 5),
        "width": Integer(4, 512, log=True),
        "kind": Categorical(("a", "b", 3, True)),
        "depth": Integer(2, 9),
        "sub": Categorical(("p", "q")),
        "deep": Float(0, 1),
        "order": Ordinal((1, 4, 9)),
        "version": Constant("v1"),
    },
    {
        "depth": (Condition("kind", ("a", "b")),),
        "sub": (Condition("kind", ("a",)),),
        "deep": (Condition("kind", ("a", 3)), Condition("sub", ("p",))),
    },
)
"""Everything that a space may have, in one."""

MIXED = Space(
    {
        "features": Categorical(("sqrt", 0.5, 3)),
        "bootstrap": Categorical((True, "auto", 2)),
        "order": Ordinal((1, 2.5, "x", False)),
        "looks": Categorical(("1", 1, 1.5, "1.5", "True")),
        "large": Categorical((2**70, 1)),
    }
)
NUMBERS = Space({name: SPACE.domains[name] for name in ("x", "lr", "layers")})


def made_blackbox(space: Space, goal: Any = "min", losses: Callable[..., float] | None = None) -> Blackbox:
    """A smooth problem over any space; ``goal="max"`` is the same problem with the sign turned."""
    schema = Schema(
        space,
        Fidelity("epoch", tuple(range(1, EPOCHS + 1))),
        (Objective("loss", goal), Objective("seconds", "none", "s", cumulative=True)),
        target="loss",
        time="seconds",
    )
    sign = -1 if goal == "max" else 1
    loss = losses or partial(loss_of, space)

    def curves(configuration: Configuration, _seed: int) -> dict[str, list[float]]:
        along = range(1, EPOCHS + 1)
        values = [sign * loss(configuration, epoch) for epoch in along]
        return {"loss": values, "seconds": [10.0 * epoch for epoch in along]}

    return from_function(schema, curves, name="made")


def ending_early() -> Blackbox:
    """Curves of 1 to 9 epochs, by ``layers``; the last value of each is the length of its curve."""
    schema = made_blackbox(NUMBERS).schema

    def curves(configuration: Configuration, _seed: int) -> dict[str, list[float]]:
        along = range(1, 2 * int(configuration["layers"]))
        return {"loss": [float(epoch) for epoch in along], "seconds": [10.0 * epoch for epoch in along]}

    return from_function(schema, curves, name="ending early")


def loss_of(space: Space, configuration: Configuration, epoch: float = EPOCHS) -> float:
    """Best where each hyperparameter is near the middle of its range, or the first of its values."""
    loss = 0.0
    for name, value in configuration.items():
        domain = space.domains[name]
        if hasattr(domain, "lower"):
            scale = math.log if domain.log else float
            low, high = scale(domain.lower), scale(domain.upper)
            loss += ((scale(value) - low) / max(high - low, 1e-9) - 0.6) ** 2
        else:
            loss += 0.1 * domain.values.index(value)
    return loss + 1 / epoch


def configurations(run: Run) -> list[Configuration]:
    return [run.configuration(trial) for trial in range(len(run.trial_columns["trial"]))]


def jobs_of(run: Run) -> list[tuple[Configuration, float]]:
    """Configuration and last fidelity of each trial, in the order of starts."""
    last = {row["trial"]: row["fidelity"] for row in run.reports().to_pylist()}
    return [(configuration, last[trial]) for trial, configuration in enumerate(configurations(run))]


def simulated(blackbox: Blackbox, factory: Any, trials: int = 30, **changes: Any) -> Run:
    options: dict[str, Any] = {"workers": 1, "stop": Stop(trials_started=trials), "seed": SEED, **changes}
    return simulate(blackbox, factory, **options)


def check_it_goes_on(factory: Any, problems: Sequence[str] = STUMBLING, *, trials: int = 25) -> None:
    """Whatever happens to its trials; and two runs are one."""
    stop = Stop(trials_started=trials)
    for problem in problems:
        runs = [simulate(PROBLEMS[problem](), factory, workers=w, stop=stop, seed=3) for w in (1, 7, 7)]
        assert [len(run.trial_columns["trial"]) for run in runs] == [trials] * 3, problem
        assert runs[1].digest == runs[2].digest


def check_processes(scheduler: str, **settings: Any) -> None:
    """Two processes with different hashes find the same."""
    command = [sys.executable, "-c", PROCESS.format(scheduler=scheduler, settings=settings)]
    outputs = {
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
    assert all(outputs)


def check_hard_conditions(blackbox: Blackbox, factory: Any, *, trials: int = 30) -> Run:
    """Thinking takes time, jobs crash, workers are lost: two runs are one, and trials have failed."""
    runs = [simulated(blackbox, factory, trials, workers=7, conditions=HARD) for _ in range(2)]
    assert runs[0].digest == runs[1].digest
    assert "failed" in runs[0].trial_columns["status"]
    return runs[0]


def real_table() -> Blackbox:
    """Two networks over numbers, as an embedded table has them, for what a library may suggest."""
    return views.nearest(load_blackbox("icml-deepar")["electricity"])


def real_curves() -> Blackbox:
    """Networks with learning curves of 52 epochs."""
    return load_blackbox("yahpo-lcbench")["167200"]


def run_snippet(heading: str) -> dict[str, Any]:
    """Run the Python of a section of docs/schedulers.md; what it leaves behind."""
    section = re.split(r"^##+ ", DOCS.read_text("utf-8"), flags=re.MULTILINE)
    text = next(part for part in section if part.startswith(heading + "\n"))
    names: dict[str, Any] = {}
    for code in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(code, names)  # noqa: S102  our own page
    return names


def check_threads(factory: Any, *, trials: int = 12, threads: int = 4) -> None:
    """Runs in threads are those made one after the other; the user's random state and output stay."""
    blackbox, output = made_blackbox(NUMBERS), sys.stdout
    np.random.seed(1)  # noqa: NPY002, TID251  the user's
    state = np.random.get_state()[1].tolist()  # noqa: NPY002, TID251  the user's

    def digest(seed: int) -> str:
        return simulated(blackbox, factory, trials, seed=seed, workers=3).digest

    with ThreadPoolExecutor(threads) as pool:
        assert list(pool.map(digest, range(2 * threads))) == [digest(seed) for seed in range(2 * threads)]
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002, TID251  the user's
    assert sys.stdout is output


def check_seeds(factory: Any, *, trials: int = 5) -> None:
    """Seeds that are one to a library, or none, are different ones here; numpy's is the same as Python's."""
    seeds: list[Any] = [0, 2**31, 2**32, -1, 2**64 + 1, np.int64(2**31)]
    runs = [simulated(made_blackbox(NUMBERS), factory, trials, seed=seed) for seed in seeds]
    tried = [str(configurations(run)) for run in runs]
    assert tried[-1] == tried[1]
    assert len(set(tried)) == len(seeds) - 1


def check_another_process(factory: Any, *, trials: int = 3) -> None:
    """A factory that was made here says nothing in a new process either, and finds the same there."""
    digest = simulated(made_blackbox(NUMBERS), factory, trials).digest
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ELSEWHERE, str(trials)],
        cwd=ROOT,
        input=pickle.dumps(factory),
        check=True,
        capture_output=True,
    )
    assert run.stdout.decode().split() == [digest]
    assert run.stderr.decode() == ""


def check_mixed_choices(factory: Any, *, trials: int = 40) -> None:
    """Choices of several kinds come back as they are: no text for a number, no number for a bool."""
    run = simulated(made_blackbox(MIXED), factory, trials)
    for name, domain in MIXED.domains.items():
        tried = {repr(given[name]) for given in configurations(run)}
        assert len(tried) > 1
        assert tried <= set(map(repr, domain.values or ()))
