"""The example project of docs/ci.md, tested as its own CI would: in a fresh virtual environment."""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = ROOT / "examples" / "ci_for_a_scheduler"
WORKFLOW = PROJECT / ".github" / "workflows" / "scheduler.yml"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment that finds what is installed here, this project and its plugin among it."""
    folder = tmp_path_factory.mktemp("fresh") / "environment"
    venv.create(folder, with_pip=False, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    here = [*site.getsitepackages(), sysconfig.get_path("purelib")]
    lines = [f"import site; site.addsitedir({path!r})" for path in dict.fromkeys(here)]
    (packages / "here.pth").write_text("\n".join([*lines, str(ROOT)]) + "\n")
    return folder / "bin" / "python"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns("__pycache__", ".pytest_cache")
    return Path(shutil.copytree(PROJECT, tmp_path / "project", ignore=ignored))


def run(python: Path, folder: Path, *arguments: str) -> tuple[int, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    done = subprocess.run(
        [python, "-m", *arguments],
        cwd=folder,
        env={**kept, "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "140"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


PYTEST = ("pytest", "-q", "-p", "no:cacheprovider", "-p", "blackbox_repo.pytest_plugin")


def test_its_tests_pass_and_leave_nothing_behind(python: Path, project: Path) -> None:
    before = {path.relative_to(project) for path in project.rglob("*")}
    status, said = run(python, project, *PYTEST)
    assert status == 0, said
    assert "17 passed" in said
    assert "unchanged: all 40 traces are as before" in said
    assert {path.relative_to(project) for path in project.rglob("*")} == before


def test_its_ten_lines_are_those_of_the_page() -> None:
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    shown = page.partition("```python\n")[2].partition("```")[0]
    assert shown == (PROJECT / "tests" / "test_halving.py").read_text("utf-8")
    assert f"```yaml\n{WORKFLOW.read_text('utf-8')}```" in page
    readme = (ROOT / "README.md").read_text("utf-8")
    assert (
        shown.replace("from halving", "from simulator").replace("Halving", "ASHA").replace("\n\n", "\n", 1)
        in readme
    )


def test_a_change_of_the_scheduler_fails_them_and_is_shown(python: Path, project: Path) -> None:
    source = project / "src" / "halving" / "__init__.py"
    source.write_text(source.read_text("utf-8").replace("<= median(losses) else STOP", "<= 9 else STOP"))
    status, said = run(python, project, *PYTEST, "tests/test_halving.py", "-k", "behaviour or quality")
    assert status == 1
    assert "Halving does not behave as in test_behaviour.trace" in said
    assert "regressed on 1 of 2 tasks, most on nasbench-nlp/wikitext-2" in said
    assert "golden  " in said


def test_the_failing_build_on_the_page_is_what_such_a_change_gives(python: Path, project: Path) -> None:
    source = project / "src" / "halving" / "__init__.py"
    source.write_text(source.read_text("utf-8").replace("factor=3", "factor=2"))
    _, said = run(python, project, *PYTEST, "-k", "behaviour or quality")
    printed = {" ".join(line.split()) for line in said.splitlines()}
    page = (ROOT / "docs" / "ci.md").read_text("utf-8")
    shown = page.partition("was changed from 3 to 2:")[2].split("```")[1].removeprefix("text\n")
    lines = [line for line in shown.splitlines() if not line.startswith("=")]
    assert len(lines) > 8
    assert [line for line in lines if " ".join(line.split()) not in printed] == []


def steps() -> list[dict[str, object]]:
    yaml = pytest.importorskip("yaml")
    workflow = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    (job,) = workflow["jobs"].values()
    found: list[dict[str, object]] = job["steps"]
    return found


def test_the_workflow_runs_what_is_tested_here(python: Path, project: Path) -> None:
    commands = [line.split() for step in steps() for line in str(step.get("run", "")).splitlines()]
    assert ["pytest"] in commands
    (command,) = [command for command in commands if command[0] == "bb-sim"]
    (before,) = [command for command in commands if command[0] == "git"]
    assert before[:2] == ["git", "show"]
    assert before[-3].endswith(":tests/quality.parquet")
    assert before[-1] == command[command.index("--baseline") + 1]
    shutil.copy(project / "tests" / "quality.parquet", project / "src" / before[-1])
    status, said = run(python, project / "src", "simulator", *command[1:])
    assert status == 0, said
    written = [command[command.index(option) + 1] for option in ("--markdown", "--html")]
    for name in written:
        assert (project / "src" / name).stat().st_size > 500
    used = WORKFLOW.read_text("utf-8")
    assert all(used.count(name) >= 2 for name in written), "what is written is commented or kept"


def test_the_workflow_comments_whatever_the_tests_say() -> None:
    """The comparison stands before the tests, and what follows it is done even if it fails."""
    names = [str(step.get("run", step.get("uses"))).split("\n")[0] for step in steps()]
    compared = next(k for k, name in enumerate(names) if name.startswith("git show"))
    assert compared < names.index("pytest")
    for step in steps()[compared + 1 :]:
        assert str(step["if"]).startswith("always()")
