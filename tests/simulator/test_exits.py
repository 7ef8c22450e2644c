"""A scheduler that leaves the program, or cannot be closed, is named, and what was finished is kept."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulator import ASHA, Run, SchedulerError, Stop, simulate
from simulator.adapters.ask_tell import AskTell
from simulator.results.saved_run import FILES

ROOT = Path(__file__).parents[2]


class Leaving(ASHA):
    """Leaves the program in one of its calls."""

    where = ""

    def _leave(self, where: str) -> None:
        if where == self.where:
            sys.exit(0)

    def suggest(self) -> Any:
        self._leave("suggest")
        return super().suggest()

    def on_report(self, trial: Any, report: Any) -> Any:
        self._leave("on_report")
        return super().on_report(trial, report)

    def on_end(self, trial: Any) -> None:
        self._leave("on_end")
        super().on_end(trial)

    def close(self) -> None:
        self._leave("close")


def leaving(where: str) -> Any:
    return type("Leaving", (Leaving,), {"where": where})


@pytest.mark.parametrize("where", ["suggest", "on_report", "on_end"])
def test_a_scheduler_that_leaves_the_program_is_named_and_the_run_so_far_is_kept(
    tiny: Any, where: str
) -> None:
    with pytest.raises(SchedulerError, match=rf"Leaving\.{where}\(\) at .* raised SystemExit\(0\)") as caught:
        simulate(tiny, leaving(where), workers=1, stop=Stop(trials_started=3))
    assert caught.value.run is not None
    assert caught.value.run.reason == "error"


def test_a_factory_that_leaves_the_program_is_named(tiny: Any) -> None:
    def make(schema: Any, seed: int) -> Any:
        sys.exit("enough")

    with pytest.raises(SchedulerError, match=r"the factory raised SystemExit\('enough'\) instead of making"):
        simulate(tiny, make, workers=1, stop=Stop(time=5))


@pytest.mark.parametrize(("where", "call"), [("ask", "suggest"), ("tell", "on_end"), ("__init__", "")])
def test_an_object_with_ask_and_tell_that_leaves_the_program_is_named(
    tiny: Any, where: str, call: str
) -> None:
    class Searcher:
        def __init__(self) -> None:
            self._leave("__init__")

        def _leave(self, here: str) -> None:
            if here == where:
                sys.exit(0)

        def ask(self) -> dict[str, Any]:
            self._leave("ask")
            return {"pace": 1.0, "level": 1}

        def tell(self, asked: Any, loss: float) -> None:
            self._leave("tell")

    with pytest.raises(SchedulerError, match=rf"{call}.* raised SystemExit\(0\)"):
        simulate(tiny, AskTell(lambda schema, seed: Searcher()), workers=1, stop=Stop(trials_started=2))


class Unclosable(ASHA):
    error: BaseException = RuntimeError("cannot be closed")

    def close(self) -> None:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("no"), SystemExit(0), SchedulerError("no")])
def test_a_run_whose_scheduler_cannot_be_closed_is_kept_whole(tiny: Any, error: BaseException) -> None:
    unclosable: Any = type("Unclosable", (Unclosable,), {"error": error})
    with pytest.raises(
        SchedulerError, match=r"Unclosable\.close\(\) raised .* when the run was over|no"
    ) as caught:
        simulate(tiny, unclosable, workers=2, stop=Stop(time=50_000))
    run = caught.value.run
    assert run is not None
    assert run == simulate(tiny, ASHA, workers=2, stop=Stop(time=50_000))
    assert run.reason == "time"


def test_the_first_error_is_told_not_that_of_close(tiny: Any) -> None:
    class Wrong(Unclosable):
        def suggest(self) -> Any:
            raise ValueError("first")

    with pytest.raises(SchedulerError, match=r"suggest\(\) .* raised ValueError\('first'\)"):
        simulate(tiny, Wrong, workers=1, stop=Stop(time=5))


def test_a_scheduler_whose_name_cannot_be_had_loses_no_run(tiny: Any) -> None:
    class Nameless(ASHA):
        def __repr__(self) -> str:
            raise RuntimeError

    class Broken(ASHA):
        def __repr__(self) -> str:
            return "broken \ud800"

    runs = [simulate(tiny, kind, workers=1, stop=Stop(time=50)) for kind in (Nameless, Broken)]
    assert [run.header["scheduler"][-7:] for run in runs] == ["ameless", r" \ud800"]


# --- the whole way through the command line -----------------------------------------------------------------

MODULE = """
import sys
from simulator import ASHA

class Leaving(ASHA):
    def on_report(self, trial, report):
        if trial.number == 3:
            sys.exit(0)
        return super().on_report(trial, report)

class Unclosable(ASHA):
    def close(self):
        raise RuntimeError("no")

class Exits(ASHA):
    def close(self):
        sys.exit(0)

def makes_none(schema, seed):
    sys.exit(0)
"""
GOODBYE = """read line; echo '{}'
while read line; do
    case $line in *suggest*) echo '{"nothing": true}' ;; *) echo '{}' ;; esac
done; echo bye
"""
SCRIPT = "import sys\nsys.exit(0)\n"


def bb_sim(folder: Path, scheduler: str, *options: str) -> subprocess.CompletedProcess[str]:
    (folder / "mine.py").write_text(MODULE)
    (folder / "script.py").write_text(SCRIPT)
    command = [sys.executable, "-m", "simulator", "run", "nasbench-nlp", "--trials", "8", *options]
    return subprocess.run(
        [*command, "--scheduler", scheduler],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        ("py:mine:Unclosable", "Unclosable.close() raised RuntimeError('no') when the run was over"),
        ("py:mine:Exits", "Exits.close() raised SystemExit(0) when the run was over"),
        ("process:bash goodbye.sh", "wrote a line that it was not asked for: bye"),
    ],
)
@pytest.mark.parametrize("options", [("--out", "x"), ("--out", "x", "--log"), ()])
def test_a_finished_run_is_saved_whatever_its_scheduler_does_then(
    tmp_path: Path, scheduler: str, message: str, options: tuple[str, ...]
) -> None:
    (tmp_path / "goodbye.sh").write_text(GOODBYE)
    done = bb_sim(tmp_path, scheduler, *options)
    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = done.stderr.splitlines()
    assert message in line
    (folder,) = [tmp_path / "x"] if options else (tmp_path / "runs").iterdir()
    assert f"; the finished run is in {folder.relative_to(tmp_path)}" in line
    assert Run.load(folder).reason != "error"
    assert {path.name for path in folder.iterdir()} == {*FILES, "run.json", "run.sha256"}


@pytest.mark.parametrize("options", [("--out", "x"), ("--out", "x", "--log"), ()])
def test_a_run_whose_scheduler_leaves_the_program_ends_with_2_and_keeps_what_there_was(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    done = bb_sim(tmp_path, "py:mine:Leaving", *options)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "Leaving.on_report() at the simulated second" in line
    assert "raised SystemExit(0) about trial 3" in line
    if "--log" in options:
        assert "; the scheduler's answers so far are kept; continue with bb-sim run --resume x" in line
        assert {path.name for path in (tmp_path / "x").iterdir()} == {"command.json", "log.jsonl"}
    else:
        (folder,) = [tmp_path / "x"] if options else (tmp_path / "runs").iterdir()
        assert f"; the run so far is in {folder.relative_to(tmp_path)}" in line
        assert Run.load(folder).reason == "error"


@pytest.mark.parametrize(
    ("scheduler", "message"),
    [
        ("py:mine:makes_none", "the factory raised SystemExit(0) instead of making a scheduler"),
        ("py:script:ASHA", "cannot be imported: its module raised SystemExit(0)"),
    ],
)
def test_what_makes_no_scheduler_but_leaves_the_program_ends_with_2(
    tmp_path: Path, scheduler: str, message: str
) -> None:
    done = bb_sim(tmp_path, scheduler, "--out", "x")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr
    assert not (tmp_path / "x").exists()
