"""Every command and every snippet of README.md does what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
MODULES = {
    "bb-repo": "blackbox_repo",
    "bb-sim": "simulator",
    "bb-convert": "conversion_scripts",
}
THE_TWO_COMMANDS = ["pip install . && bb-sim run", "pip install -e '.[test]' && pytest -n auto"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


COMMANDS = [line for block in blocks("console") for line in block.splitlines()]
SNIPPETS = blocks("python")


def saved_snippets(folder: Path) -> list[Path]:
    """The snippets as files, under the name that their first line gives them."""
    files = []
    for number, snippet in enumerate(SNIPPETS):
        named = re.match(r"# (\w+\.py)\n", snippet)
        files.append(folder / (named[1] if named else f"snippet_{number}.py"))
        files[-1].write_text(snippet, encoding="utf-8")
    return files


def test_the_first_two_commands_are_those_of_the_ci_script() -> None:
    assert COMMANDS[:2] == THE_TWO_COMMANDS
    steps = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert {"pip install -e '.[test]'", "pytest -n auto", "bb-sim run"} <= set(map(str.strip, steps))


@pytest.mark.parametrize("command", COMMANDS[2:])
def test_a_command_of_the_readme_succeeds(
    command: str, run_python: Callable[..., str], tmp_path: Path
) -> None:
    saved_snippets(tmp_path)
    for part in command.split(" && "):
        name, *arguments = shlex.split(part)
        assert run_python("-m", MODULES[name], *arguments)


def test_the_snippets_of_the_readme_run(run_python: Callable[..., str], tmp_path: Path) -> None:
    loading, rough, scheduler, tests = (run_python(str(file)) for file in saved_snippets(tmp_path))
    assert scheduler == tests == ""  # what the tests find, test_example_project.py asks
    ended, losses = rough.splitlines()
    assert ended.startswith("trials_started ")
    assert int(losses.partition(" ")[0]) > 0
    error, shape, best, numbers = loading.splitlines()
    assert 0 < float(error) < 100
    assert shape == "(15625, 3, 1)"
    assert best.startswith("Best(objective='val_accuracy'")
    assert re.fullmatch(r"\d+ \d+ [0-9a-f]{64}", numbers)
