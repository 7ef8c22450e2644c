"""The plugin as its users have it: a pytest of its own, with files beside the tests."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PLUGIN = ("-p", "blackbox_repo.pytest_plugin", "-p", "no:cacheprovider", "-p", "no:randomly")

HEAD = """
from functools import partial

import pytest

from simulator import ASHA, Conditions, Delays, PromotionASHA, RandomSearch, Stop
from simulator.testing import assert_not_worse, assert_same_trace

"""


def pytest_in(folder: Path, *options: str) -> tuple[int, str]:
    """Runs pytest with the plugin in a folder: exit status and output."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "150"}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # whatever is installed here
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_CURRENT_TEST"):
        environment.pop(name, None)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGIN, "-q", *options],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Any:
    """Writes a test file and runs it with pytest: exit status and output."""

    def tested(body: str, *options: str) -> tuple[int, str]:
        (tmp_path / "test_mine.py").write_text(HEAD + body)
        return pytest_in(tmp_path, *options)

    return tested


BEHAVIOUR = """
@pytest.mark.simulation(blackbox="nasbench-nlp/wikitext-2")
def test_behaviour(simulated_run):
    assert_same_trace(simulated_run(partial(ASHA, eta={eta})))
"""


def test_a_golden_is_written_once_then_compared_and_renewed_only_when_asked(
    project: Any, tmp_path: Path
) -> None:
    golden = tmp_path / "goldens" / "test_mine" / "test_behaviour.trace"
    status, said = project(BEHAVIOUR.format(eta=3))
    assert status == 1
    assert "there was no golden trace yet; goldens/test_mine/test_behaviour.trace was written" in said
    first = golden.read_text("utf-8")
    assert project(BEHAVIOUR.format(eta=3))[0] == 0

    status, said = project(BEHAVIOUR.format(eta=2))
    assert status == 1
    assert "ASHA(seed=0, eta=2, r_min=None, brackets=1) does not behave as in test_behaviour.trace" in said
    step = re.search(r"golden  ([\d.]+) stop (\d+) at 1\n.* now  \1 continue \2 at 1\n", said)
    assert step is not None, said
    assert re.search(r"both  [\d.]+ start ", said)
    assert re.search(rf"told  of trial {step[2]} \(valid_loss by epoch, to be small\) 1: [\d.]+\n", said)
    assert "pytest --sim-regen rewrites the golden trace" in said
    assert golden.read_text("utf-8") == first, "nothing is renewed by itself"

    status, said = project(BEHAVIOUR.format(eta=2), "--sim-regen")
    assert status == 1
    assert re.search(r"the golden trace has changed \(\d+ steps are alike, then", said)
    assert golden.read_text("utf-8") != first
    assert project(BEHAVIOUR.format(eta=2), "--sim-regen")[0] == 0, "it is up to date"
    assert project(BEHAVIOUR.format(eta=2))[0] == 0


def test_fixtures_take_what_the_nearest_marker_says(project: Any) -> None:
    status, said = project("""
pytestmark = pytest.mark.simulation(workers=2, stop=Stop(trials_started=5))


@pytest.mark.simulation(blackbox="taskset-rnn", seed=7)
def test_marked(simulated_run, blackbox):
    run = simulated_run(RandomSearch)
    assert blackbox.name == run.header["blackbox"]
    assert blackbox.name.startswith("taskset/imdb_patch32_IRNN64_relu_last_bs128 | with_time_model")
    assert (run.header["workers"], run.header["seed"], run.header["stop"]) == (2, 7, {"trials_started": 5})
    assert simulated_run(RandomSearch, workers=3).header["workers"] == 3


def test_default(simulated_run, blackbox):
    assert blackbox.name.startswith("yahpo-lcbench/167200")
    delayed = simulated_run(RandomSearch, conditions=Conditions(Delays(start=9)))
    assert delayed.segments()["started"][0].as_py() == 9


@pytest.mark.simulation(blackbox="icml-xgboost/a6a", time_model="constant:10")
def test_timed(simulated_run):
    assert simulated_run(RandomSearch).seconds > 0


@pytest.mark.simulation(blackbocks="x")
def test_wrong(simulated_run):
    simulated_run(RandomSearch)
""")
    assert "3 passed" in said
    assert "unknown setting 'blackbocks' of a simulation; did you mean 'blackbox'?" in said
    assert status == 1


def test_several_traces_and_parameters_have_files_of_their_own(project: Any, tmp_path: Path) -> None:
    body = """
class TestIt:
    @pytest.mark.simulation(stop=Stop(trials_started=5))
    @pytest.mark.parametrize("name", ["plain", "with space/and slash"])
    def test_two(self, simulated_run, name):
        for seed in (0, 1):
            try:
                assert_same_trace(simulated_run(RandomSearch, seed=seed))
            except AssertionError as err:
                assert "was written" in str(err)
        assert_same_trace(simulated_run(RandomSearch, seed=0), "named.trace")
"""
    project(body)
    assert project(body)[0] == 0
    names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.trace"))
    places = [name.removeprefix("goldens/test_mine/TestIt.test_two") for name in names]
    hashed = "[with-space-and-slash]-83ce267a"
    traces = ["[plain]-2", "[plain]", f"{hashed}-2", hashed, "named"]
    assert places == [f"{name}.trace" for name in traces]


QUALITY = """
TASK = ["nasbench-nlp/wikitext-2"]


def test_quality():
    found = assert_not_worse({scheduler}, {baseline}, tasks=TASK, seeds={seeds}, margin=0.02{more})
    print(found.summary)
"""


def quality(scheduler: str, baseline: str = '"base.parquet"', seeds: int = 14, more: str = "") -> str:
    return QUALITY.format(scheduler=scheduler, baseline=baseline, seeds=seeds, more=more)


def test_a_baseline_is_written_once_then_compared_and_renewed_only_when_asked(
    project: Any, tmp_path: Path
) -> None:
    status, said = project(quality("ASHA"))
    assert status == 1
    assert "there was no baseline yet; base.parquet was written: look at it, commit it" in said
    status, said = project(quality("ASHA"))
    assert status == 0
    assert "test_mine.py::test_quality: unchanged: all 14 traces are as before" in said
    before = (tmp_path / "base.parquet").read_bytes()
    status, said = project(quality("RandomSearch"))
    assert status == 1
    assert "regressed on 1 of 1 tasks, most on nasbench-nlp/wikitext-2: mean regret 0.2" in said
    assert re.search(r"golden  [\d.]+ stop \d+ at 1\n", said)
    assert (tmp_path / "base.parquet").read_bytes() == before
    status, said = project(quality("RandomSearch"), "--sim-regen")
    assert status == 1
    assert "--sim-regen leaves such a baseline alone; if this is intended, delete the file" in said
    assert (tmp_path / "base.parquet").read_bytes() == before
    other = quality("PromotionASHA")
    status, said = project(other, "--sim-regen")
    assert status == 1
    assert "the results have changed (" in said
    assert project(other, "--sim-regen")[0] == 0


def test_two_schedulers_are_compared_and_what_is_undecided_passes_unless_it_must_not(project: Any) -> None:
    assert project(quality("ASHA", "RandomSearch"))[0] == 0
    few = quality("partial(ASHA, eta=2)", "ASHA", seeds=5)
    status, said = project(few)
    assert (status, "undecided: mean regret" in said, "seeds would decide" in said) == (0, True, True)
    assert project(quality("partial(ASHA, eta=2)", "ASHA", 5, ", must_decide=True"))[0] == 1


def test_without_the_plugin_a_place_has_to_be_named(tmp_path: Path) -> None:
    body = HEAD + BEHAVIOUR.replace("simulated_run", "").format(eta=3).replace(
        "(partial(ASHA, eta=3))", "None"
    )
    (tmp_path / "test_mine.py").write_text(body.replace("(None)", "(__import__('helper').RUN)"))
    (tmp_path / "helper.py").write_text(
        "from blackbox_repo import load_blackbox\nfrom simulator import RandomSearch, Stop, simulate\n"
        "RUN = simulate(load_blackbox('nasbench-nlp')['wikitext-2'], RandomSearch, workers=1, "
        "stop=Stop(trials_started=1))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    options = ("-p", "no:blackbox_repo.pytest_plugin", "-p", "no:cacheprovider", "-q")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "no test is running under pytest with this project's plugin" in done.stdout


RERUN = """
import pytest
from _pytest.runner import runtestprotocol


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item, nextitem):  # tries a failed test again, as pytest-rerunfailures does
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    reports = runtestprotocol(item, nextitem=nextitem, log=False)
    if any(report.failed for report in reports):
        item._initrequest()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
"""


def test_what_a_session_has_written_does_not_pass_in_it_on_a_second_try(project: Any, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(RERUN)
    both = BEHAVIOUR.format(eta=3) + quality("ASHA", seeds=2)
    status, said = project(both)
    assert (status, "2 failed" in said) == (1, True)
    assert "there was no golden trace yet; goldens/test_mine/test_behaviour.trace was written" in said
    assert "there was no baseline yet; base.parquet was written" in said
    assert project(both)[0] == 0
    changed = BEHAVIOUR.format(eta=2) + quality("partial(ASHA, eta=4)", seeds=2)
    status, said = project(changed, "--sim-regen")
    assert (status, "2 failed" in said) == (1, True)
    assert project(changed)[0] == 0


def test_a_second_try_does_pass_where_nothing_was_written(project: Any, tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(RERUN)
    flaky = "TRIES = []\n\n\ndef test_flaky():\n    TRIES.append(1)\n    assert len(TRIES) > 1\n"
    assert project(flaky)[0] == 0


def test_the_plugin_imports_nothing_of_ours_but_itself_and_no_numpy(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "import sys\n\n\ndef pytest_unconfigure():\n    print('loaded', *sorted(sys.modules))\n"
    )
    (tmp_path / "test_it.py").write_text(
        "import pytest\n\n\n@pytest.mark.simulation(workers=2)\ndef test_it():\n    pass\n"
    )
    status, said = pytest_in(tmp_path, "-s", "--strict-markers")
    loaded = said.partition("loaded ")[2].split()
    assert (status, "blackbox_repo.pytest_plugin" in loaded) == (0, True)
    assert [name for name in loaded if name.split(".")[0] in ("simulator", "data_cache", "numpy")] == []
    ours = {name for name in loaded if name.startswith("blackbox_repo.")}
    assert ours == {f"blackbox_repo.{name}" for name in ("deprecated", "old_names", "pytest_plugin")}


@pytest.mark.parametrize("options", [(), ("-o", "pythonpath=.")])
def test_a_project_with_a_package_simulator_of_its_own_is_left_alone(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    (tmp_path / "simulator").mkdir()
    (tmp_path / "simulator" / "__init__.py").write_text("THEIRS = True\n")
    (tmp_path / "test_theirs.py").write_text(
        "import simulator\n\n\ndef test_theirs():\n    assert simulator.THEIRS\n"
    )
    (tmp_path / "test_ours.py").write_text("def test_ours(simulated_run):\n    pass\n")
    status, said = pytest_in(tmp_path, *options, "test_theirs.py")
    assert (status, "1 passed" in said) == (0, True), said
    status, said = pytest_in(tmp_path, *options)
    assert (status, "1 passed, 1 error" in said) == (1, True), said
    assert f"need blackbox-repo's package simulator, {ROOT / 'simulator'}, but here simulator is" in said
    assert str(tmp_path / "simulator") in said
