"""One run, many processes: whatever the machine is like, digests and headers are the same (T19).

Other versions of Python are tried by tests/versions/run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.curve import LearningCurve
from blackbox_repo.repository import load_blackbox
from blackbox_repo.space import Configuration
from simulator import ASHA, RandomSearch, Run, Stop, simulate
from tests.quick import few_and_the_rest

ROOT = Path(__file__).parents[1]
NETWORK_SETS = ("asha_on_network", "promotion_on_network", "network_curves")
ALL_VECTOR_INSTRUCTIONS = " ".join(np._core._multiarray_umath.__cpu_dispatch__)  # type: ignore[attr-defined]


def digests(*arguments: str, **environment: str) -> dict[str, list[str]]:
    """What tests/digests.py prints in a fresh process."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("OPENBLAS_", "NPY_"))}
    # threads of several processes that wait for each other on few cores take ten times as long
    plain["OPENBLAS_NUM_THREADS"] = "1"
    finished = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "digests.py"), *arguments],
        capture_output=True,
        text=True,
        env={**plain, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", **environment},
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    found: dict[str, list[str]] = json.loads(finished.stdout)
    return found


@pytest.fixture(scope="module")
def expected() -> dict[str, list[str]]:
    return digests()


def test_the_simulations_are_worth_comparing(expected: dict[str, list[str]]) -> None:
    assert {name: len(lines) for name, lines in expected.items()} == {
        "asha_on_network": 6,
        "promotion_on_network": 3,
        "nasbench201": 6,
        "grid_with_time_model": 6,
        "stops_and_pauses": 9,
        "network_curves": 1,
        "thinks_and_fails": 12,
        "golden": 36,
        "regression": 51,
    }
    happened = [line for lines in expected.values() for line in lines if line.endswith("ns")]
    assert all(int(line.split()[0]) >= 50 and int(line.split()[2]) >= 500 for line in happened), happened
    seen = [line for lines in expected.values() for line in lines]
    assert len(set(seen)) == len(seen), "two runs are the same"


@pytest.mark.parametrize("seed", few_and_the_rest(["1", "random"], 2))
def test_the_order_of_sets_and_dicts_reaches_no_result(seed: str, expected: dict[str, list[str]]) -> None:
    assert digests(PYTHONHASHSEED=seed) == expected


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OPENBLAS_NUM_THREADS", "2"),
        ("OPENBLAS_CORETYPE", "Haswell"),
        pytest.param("OPENBLAS_CORETYPE", "SkylakeX", marks=pytest.mark.slow),
        pytest.param("OPENBLAS_CORETYPE", "Prescott", marks=pytest.mark.slow),
        ("NPY_DISABLE_CPU_FEATURES", ALL_VECTOR_INSTRUCTIONS),
    ],
)
def test_threads_and_processors_reach_no_result(
    variable: str, value: str, expected: dict[str, list[str]]
) -> None:
    names = (*NETWORK_SETS, "golden") if variable == "OPENBLAS_NUM_THREADS" else NETWORK_SETS
    found = digests(*names, **{variable: value})
    assert found == {name: expected[name] for name in names}


@pytest.mark.parametrize("batch", few_and_the_rest([1, 50, 1000], 2))
def test_the_size_of_a_batch_reaches_no_run(batch: int, expected: dict[str, list[str]]) -> None:
    found = digests(*NETWORK_SETS, "--batch", str(batch))
    assert found == {name: expected[name] for name in NETWORK_SETS}


def test_curves_have_the_same_bits_in_batches_of_1_50_and_1000() -> None:
    blackbox = load_blackbox("yahpo-lcbench")["189908"]
    configurations = [blackbox.schema.space.sample("batches", number) for number in range(1000)]
    together = blackbox.curves(configurations)
    fifty = blackbox.curves(configurations[500:550])
    assert list(map(bits, fifty)) == list(map(bits, together[500:550]))
    for number in (0, 1, 499, 500, 998, 999):
        (single,) = blackbox.curves([configurations[number]])
        assert bits(single) == bits(together[number])
        assert bits(blackbox.curve(configurations[number])) == bits(together[number])
    assert len({bits(curve) for curve in together}) == 1000


def bits(curve: LearningCurve) -> bytes:
    return b"".join(curve[objective.name].tobytes() for objective in curve.schema.objectives)


class PredictedAhead(Blackbox):
    """Answers from whole curves that were predicted before the run, in batches."""

    def __init__(self, blackbox: Blackbox, configurations: list[Configuration], batch: int) -> None:
        self.schema, self.name, self._digest = blackbox.schema, blackbox.name, blackbox.digest()
        self.curve_of: dict[tuple[Any, ...], LearningCurve] = {}
        for start in range(0, len(configurations), batch):
            chunk = configurations[start : start + batch]
            self.curve_of.update(zip(map(key, chunk), blackbox.curves(chunk), strict=True))

    def curve(self, configuration: Configuration, *, seed: int | None = None) -> LearningCurve:
        return self.curve_of[key(configuration)]

    def digest(self) -> str:
        return self._digest


def key(configuration: Configuration) -> tuple[Any, ...]:
    return tuple(sorted(configuration.items()))


def asha(blackbox: Blackbox) -> Run:
    return simulate(blackbox, ASHA, workers=4, stop=Stop(trials_started=60), seed=7)


@pytest.mark.parametrize("batch", [1, 50, 1000])
def test_a_run_reads_lazily_what_it_would_read_from_curves_predicted_ahead(batch: int) -> None:
    blackbox = load_blackbox("yahpo-lcbench")["189908"]
    lazy = asha(blackbox)
    tried = [lazy.configuration(trial) for trial in range(60)]
    ahead = asha(PredictedAhead(blackbox, tried, batch))
    assert (ahead.digest, ahead.header) == (lazy.digest, lazy.header)


def test_a_run_depends_on_its_seed_and_on_nothing_that_ran_before() -> None:
    blackbox = load_blackbox("nasbench201-final")["cifar100"]

    def run(seed: int) -> str:
        return simulate(blackbox, RandomSearch, workers=3, stop=Stop(trials_started=50), seed=seed).digest

    first = run(0)
    assert run(1) != first
    assert run(0) == first
