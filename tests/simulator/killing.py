"""Kills a process at its n-th file operation, and looks at what the next one makes of what is left.

python killing.py log|save POINTS FOLDER      prints a JSON list: what came of each of so many points
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from simulator import RandomSearch, Run, Stop, cli, simulate
from simulator.testing import PROBLEMS
from tests.kill_points import count_steps, forked

COMMAND = ["run", "nasbench-nlp", "--scheduler", "random", "--trials", "4", "--out", "x", "--log"]
RESUME = ["run", "--resume", "x"]


def bb_sim(arguments: list[str]) -> None:
    sys.argv = ["bb-sim", *arguments]
    cli.main()


def save() -> None:
    run = simulate(PROBLEMS["tiny"](), RandomSearch, workers=2, stop=Stop(trials_started=6))
    run.save("x")


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
    steps = count_steps(whole, {"log": lambda: bb_sim(COMMAND), "save": save}[kind])
    chosen = sorted({1 + k * steps // points for k in range(points)})
    outcomes = [outcome(kind, new(str(point)), point) for point in chosen]
    said = {"steps": steps, "digest": digest(whole / "x"), "outcomes": outcomes}
    sys.stdout.write(json.dumps(said))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
