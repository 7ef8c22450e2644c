"""What tests of every package share: tiny blackboxes, and a fresh Python."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from blackbox_repo.domains import Categorical, Float, Integer
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Space
from blackbox_repo.table import Coded, Table, TabularBlackbox

# how fast a machine is decides no test; the first draw of all takes seconds in a fresh checkout
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


_HOMES = itertools.count()


@pytest.fixture(autouse=True, scope="session")
def _folders_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What a user has made, cached or set is neither seen nor changed by tests and their processes."""
    settings_file = tmp_path_factory.mktemp("config") / "config.toml"
    settings_file.touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BLACKBOX_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("BLACKBOX_CONFIG", str(settings_file))
        patch.setenv("BLACKBOX_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(autouse=True)
def _home_of_its_own(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test makes in the user's own folder, no other test finds."""
    monkeypatch.setenv("BLACKBOX_HOME", str(tmp_path_factory.getbasetemp() / f"home {next(_HOMES)}"))


@pytest.fixture
def grid() -> TabularBlackbox:
    """Six configurations (a full grid), seeds 1 and 2, three epochs; it records time and parameters."""
    schema = Schema(
        Space({"op": Categorical(("conv", "pool")), "width": Integer(1, 3)}),
        Fidelity("epoch", (1, 2, 3)),
        (
            Objective("error", "min", unit="%"),
            Objective("elapsed_time", "none", unit="s", cumulative=True),
            Objective("params", "min", constant=True),
        ),
        target="error",
        time="elapsed_time",
    )
    rows = [(op, width) for op in ("conv", "pool") for width in (1, 2, 3) for _ in range(2)]
    table = Table(
        hyperparameters={"op": Coded.of(op for op, _ in rows), "width": Coded.of(width for _, width in rows)},
        seeds=np.tile([1, 2], 6),
        points={
            "error": np.arange(36, dtype=np.float32)[::-1] / 2,
            "elapsed_time": np.tile([10.0, 20.0, 30.5], 12),
        },
        lengths=np.full(12, 3),
        constants={"params": np.array([width * 1000 for _, width in rows])},
    )
    return TabularBlackbox(schema, table, name="tiny/grid")


@pytest.fixture
def ragged() -> TabularBlackbox:
    """Three scattered configurations of a conditional space, ragged in seeds and points, without a time.

    ========================= ==== ======================== ======== ======
    configuration             seed loss                     status   params
    ========================= ==== ======================== ======== ======
    lr 0.1, sgd, momentum 0.9 0    4 3 2 1                  ok       10
    ..                        3    5 4                      diverged 11
    ..                        5    6 5 4                    crashed  12
    lr 0.01, adam             3    2 NaN 1 0.5              ok       20
    lr 0.001, sgd, momentum 0 0    (none)                   crashed  30
    ..                        3    8 7 6 5                  ok       31
    ========================= ==== ======================== ======== ======
    """
    schema = Schema(
        Space(
            {
                "lr": Float(1e-4, 1.0, log=True),
                "optimizer": Categorical(("sgd", "adam")),
                "momentum": Float(0.0, 0.99),
            },
            {"momentum": (Condition("optimizer", ("sgd",)),)},
        ),
        Fidelity("epoch", (1, 2, 3, 4)),
        (Objective("loss", "min"), Objective("params", "min", constant=True)),
        target="loss",
    )
    table = Table(
        hyperparameters={
            "lr": Coded.of([0.1, 0.1, 0.1, 0.01, 0.001, 0.001]),
            "optimizer": Coded.of(["sgd", "sgd", "sgd", "adam", "sgd", "sgd"]),
            "momentum": Coded.of([0.9, 0.9, 0.9, None, 0.0, 0.0]),
        },
        seeds=np.array([0, 3, 5, 3, 0, 3]),
        points={"loss": np.array([4, 3, 2, 1, 5, 4, 6, 5, 4, 2, np.nan, 1, 0.5, 8, 7, 6, 5])},
        lengths=np.array([4, 2, 3, 4, 0, 4]),
        constants={"params": np.array([10.0, 11, 12, 20, 30, 31])},
        status=np.array([0, 1, 2, 0, 2, 0]),
    )
    return TabularBlackbox(schema, table, name="tiny/ragged")


@pytest.fixture
def run_python(tmp_path: Path) -> Callable[..., str]:
    """Runs a fresh Python, by default in a temporary folder; what it printed, if all went well in silence."""

    def run(*arguments: str, folder: Path = tmp_path) -> str:
        project = str(Path(__file__).parent.parent)
        environment = {**os.environ, "PYTHONPATH": project, "PYTHONIOENCODING": "utf-8"}
        done = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run
