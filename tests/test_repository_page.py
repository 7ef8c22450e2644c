"""docs/repository.md as a newcomer follows it: its Python runs, and so do its commands."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "repository.md").read_text(encoding="utf-8")
MINE = ROOT / "data_cache" / "icml-deepar"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_the_python_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown: list[tuple[object, ...]] = []
    scope = {"print": lambda *what: shown.append(what)}
    for code in blocks("python"):
        exec(compile(code, "repository.md", "exec"), scope)  # noqa: S102  the page's own code
    (version, digest, files), (origin, same, task), (objectives,) = shown
    assert (version, files, origin, same, objectives) == ("1.0", 1, "site", True, ["valid_error"])
    assert len(str(digest)) == 12
    assert str(task) == "<TabularBlackbox nasbench-macro/cifar10>"


def test_the_ten_lines_of_a_team_work_on_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a folder instead of s3://team/blackboxes, and with a blackbox that has a time as one's own."""
    (tmp_path / "digits").symlink_to(MINE)
    variables = {**os.environ, "PYTHONPATH": str(ROOT), "BLACKBOX_CACHE": str(tmp_path / "cache")}
    monkeypatch.chdir(tmp_path)
    lines = [line.partition("  #")[0].strip() for line in blocks("console")[0].splitlines()]
    assert lines[0] == "pip install 'blackbox-repo[s3]'"
    for line in lines[1:]:
        command = line.replace("s3://team/blackboxes", str(tmp_path / "bucket"))
        command = re.sub(r"(?<!/)\bdigits\b", "icml-deepar", command).replace(
            "run icml-deepar", "run icml-deepar/solar"
        )
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            variables[name] = value
            continue
        run(command, variables)
    assert (tmp_path / "blackboxes.lock").read_text().count('"manifest"') == 2


def run(line: str, variables: dict[str, str]) -> None:
    """Run a line of a shell: variables before it, and > behind it."""
    line, _, target = line.partition(" > ")
    words = shlex.split(line)
    extra = dict(word.split("=", 1) for word in words if re.fullmatch(r"[A-Z_]+=.*", word))
    modules = {"bb-repo": "blackbox_repo", "bb-sim": "simulator"}
    program, *arguments = [word for word in words if word not in (f"{k}={v}" for k, v in extra.items())]
    if target:
        Path(target).write_text("")  # as a shell does, before the program begins
    done = subprocess.run(
        [sys.executable, "-m", modules[program], *arguments],
        env={**variables, **extra},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), line
    if target:
        Path(target).write_text(done.stdout)
