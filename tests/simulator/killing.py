"""Kills a process at its n-th file operation, and looks at what the next one makes of what is left.

    python killing.py log|save POINTS FOLDER      prints a JSON list: what came of each of so many points

Every process is a fork of this one, which has imported everything already.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from simulator import RandomSearch, Run, Stop, cli, simulate
from simulator.testing import PROBLEMS

COMMAND = ["run", "nasbench-nlp", "--scheduler", "random", "--trials", "4", "--out", "x", "--log"]
RESUME = ["run", "--resume", "x"]
CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.link"}


def bb_sim(arguments: list[str]) -> None:
    sys.argv = ["bb-sim", *arguments]
    cli.main()


def save() -> None:
    run = simulate(PROBLEMS["tiny"](), RandomSearch, workers=2, stop=Stop(trials_started=6))
    run.save("x")


class Steps:
    """Counts what this process changes on the disk, and kills it at one of the steps."""

    def __init__(self, last: int) -> None:
        self.count, self.last = 0, last
        sys.addaudithook(self.audit)
        os.fsync = self.around(os.fsync)
        pq.write_table = self.around(pq.write_table)

    def step(self) -> None:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        writes = (
            event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        )
        if event in CHANGES or writes:
            self.step()

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def stepping(*arguments: Any, **more: Any) -> Any:
            self.step()
            answer = function(*arguments, **more)
            self.step()
            return answer

        return stepping


def forked(folder: Path, act: Callable[[], None], last: int | None = None) -> int:
    """Run it in a process of its own, in a folder; its status, or how many steps it took if ``last`` is 0."""
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        for stream in (1, 2):
            os.dup2(os.open("/dev/null", os.O_WRONLY), stream)
        status, steps = 0, None if last is None else Steps(last)
        try:
            act()
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            os._exit(steps.count if last == 0 and steps is not None else status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def outcome(kind: str, folder: Path, point: int) -> dict[str, Any]:
    begin = {"log": lambda: bb_sim(COMMAND), "save": save}[kind]
    again = {"log": lambda: bb_sim(RESUME), "save": save}[kind]
    killed = forked(folder, begin, point)
    statuses = [forked(folder, again)]
    if kind == "log" and not (folder / "x").exists():
        statuses.append(forked(folder, begin))  # nothing had been done yet
    said = {"point": point, "killed": killed, "statuses": statuses, "digest": digest(folder / "x")}
    return {**said, "left": sorted(path.name for path in folder.iterdir())}


def digest(folder: Path) -> str:
    try:
        return Run.load(folder).digest
    except Exception as err:  # whatever it is, the test shows it
        return repr(err)


def main(kind: str, points: int, place: Path) -> None:
    def new(name: str) -> Path:
        folder = place / name
        folder.mkdir(parents=True)
        return folder

    whole = new("whole")
    steps = forked(whole, {"log": lambda: bb_sim(COMMAND), "save": save}[kind], 0)
    chosen = sorted({1 + k * steps // points for k in range(points)})
    outcomes = [outcome(kind, new(str(point)), point) for point in chosen]
    said = {"steps": steps, "digest": digest(whole / "x"), "outcomes": outcomes}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
