"""Schedulers of other packages: found by their entry points, used by their names."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.errors import BlackboxRepoError, InvalidOption, UnknownName
from simulator.cli.scheduler_list import list_plugins
from simulator.registry import scheduler_factory
from tests.simulator.test_schedulers import quality_schema

ROOT = Path(__file__).parents[2]
GOOD = '''
class Good:
    """Waits for ever.

    Args:
        weeks: How many.
    """

    def __init__(self, schema, seed, weeks=3):
        self.weeks = weeks

    def suggest(self):
        return None

    def on_report(self, trial, report):
        raise NotImplementedError

    def on_end(self, trial):
        pass


class Group:
    inner = Good


def half(schema, seed):
    return object()


number = 3
'''


def files_of(package: str, version: str, module: str, code: str, names: Mapping[str, str]) -> dict[str, str]:
    """What a wheel of a package holds, which is also what an installation of it is."""
    entries = "".join(f"{name} = {target}\n" for name, target in names.items())
    info = f"{package.replace('-', '_')}-{version}.dist-info"
    return {
        f"{module}.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[simulator.schedulers]\n{entries}",
    }


def write_wheel(folder: Path, files: Mapping[str, str]) -> Path:
    info = next(iter(reversed(files))).partition("/")[0]
    path = folder / f"{info.removesuffix('.dist-info')}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        record = ""
        for name, text in files.items():
            wheel.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            record += f"{name},sha256={digest},{len(text.encode())}\n"
        wheel.writestr(f"{info}/RECORD", f"{record}{info}/RECORD,,\n")
    return path


Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Puts packages on the path as an installation would; their modules are forgotten afterwards."""
    before = set(sys.modules)

    def put(package: str, version: str, module: str, code: str, **names: str) -> None:
        folder = tmp_path / package
        for name, text in files_of(package, version, module, code, names).items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(folder)

    yield put
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.slow
def test_a_package_that_is_installed_brings_its_schedulers_to_the_command_line(tmp_path: Path) -> None:
    """The package of docs/schedulers.md, installed by pip into an environment of its own."""
    page = (ROOT / "docs" / "schedulers.md").read_text(encoding="utf-8")
    section = page.split("## A scheduler in a package of yours")[1].split("\n## ")[0]
    code, project = (
        re.findall(rf"```{kind}\n(.*?)```", section, re.DOTALL)[0] for kind in ("python", "toml")
    )
    name, version = (re.findall(rf'^{key} = "(.+)"', project, re.MULTILINE)[0] for key in ("name", "version"))
    entries = dict(re.findall(r'^([\w-]+) = "(\w+:\w+)"', project, re.MULTILINE))
    assert (name, version, entries) == ("train-twice", "1.0", {"twice": "twice:twice"})
    wheel = write_wheel(tmp_path, files_of(name, version, "twice", code, entries))

    venv.create(tmp_path / "environment", with_pip=False)
    python = tmp_path / "environment" / ("Scripts" if os.name == "nt" else "bin") / "python"
    packages = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    paths = [str(ROOT), *(path for path in sys.path if "-packages" in path)]
    Path(packages, "ours.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(
            [python, "-m", *arguments], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
        )
        return done.stdout + done.stderr

    used = re.findall(r"`bb-sim (run .+?)`", section)[0].split()
    assert "unknown scheduler 'twice'" in run("simulator", *used)
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, wheel], check=True)
    found = json.loads(run("simulator", *used, "--json", "--out", "out").splitlines()[-1])
    assert (found["scheduler"], found["trials"]) == ("twice", 20)
    listed = run("simulator", "schedulers").split("\ntwice\n")[1].splitlines()
    assert listed[0] == "Random search that trains each configuration two times."
    assert listed[1].split(maxsplit=1) == ["needs", "train-twice, and 1.0 is installed"]
    assert listed[2].split(maxsplit=1) == ["tries=40", "How many configurations it tries"]


def test_a_name_finds_the_factory_of_a_package_and_its_settings_are_checked(install: Install) -> None:
    install(
        "weekly",
        "0.3",
        "weekly_module",
        GOOD,
        good="weekly_module:Good",
        inner="weekly_module:Group.inner [extra]",
    )
    made: Any = scheduler_factory("good", {"weeks": 5})(quality_schema(), 1)
    assert made.weeks == 5
    assert type(scheduler_factory("inner", {})(quality_schema(), 1)) is type(made)
    with pytest.raises(UnknownName, match="unknown good setting 'week'; did you mean 'weeks'"):
        scheduler_factory("good", {"week": 5})
    with pytest.raises(UnknownName, match="unknown scheduler 'goood'; did you mean 'good'"):
        scheduler_factory("goood", {})


def test_a_file_in_the_current_folder_does_not_hide_a_package(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("weekly", "0.3", "weekly_module", GOOD, good="weekly_module:Good")
    (tmp_path / "weekly_module.py").write_text("raise RuntimeError('another module')", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if folder])
    assert scheduler_factory("good", {})(quality_schema(), 1).suggest() is None


@pytest.mark.parametrize(
    ("code", "target", "message"),
    [
        (
            "1 / 0",
            "late_module:x",
            "'late' of late 2.0 cannot be imported: ZeroDivisionError: division by zero",
        ),
        (
            "exit(3)",
            "late_module:x",
            "'late' of late 2.0 cannot be imported: its module raised SystemExit(3)",
        ),
        ("", "late_module:x", "'late' of late 2.0 cannot be imported: module 'late_module' has no attribute"),
        (
            "",
            "late_module",
            "the scheduler 'late' of late 2.0 is 'late_module', but must be module:attribute",
        ),
        ("", "no module!", "the scheduler 'late' of late 2.0 is 'no module!', but must be module:attribute"),
        ("", "nowhere_at_all:x", "'late' of late 2.0 cannot be imported: No module named 'nowhere_at_all'"),
        (
            GOOD,
            "late_module:number",
            "the scheduler 'late' of late 2.0 is no factory (schema, seed) -> sched",
        ),
        (GOOD, "late_module:half", "the scheduler 'late' of late 2.0: what it makes of (schema, seed) is no"),
        ("def x(seed): pass", "late_module:x", "'late' of late 2.0 cannot be called as (schema, seed)"),
    ],
)
def test_an_error_of_another_package_names_it(install: Install, code: str, target: str, message: str) -> None:
    install("late", "2.0", "late_module", code, late=target)
    with pytest.raises(InvalidOption) as caught:
        scheduler_factory("late", {})(quality_schema(), 1)
    assert message in str(caught.value)


def test_the_list_says_of_what_cannot_be_used_why(install: Install) -> None:
    install("late", "2.0", "late_module", "1 / 0", late="late_module:x")
    install("weekly", "0.3", "weekly_module", GOOD, good="weekly_module:Good", asha="weekly_module:Good")
    install("monthly", "7", "monthly_module", GOOD, good="monthly_module:Good")
    listed = {each.name: (each.what, each.needs) for each in list_plugins()}
    assert listed["asha"] == (
        "Has a name of this project's: it is found as py:weekly_module:Good only.",
        "weekly, and 0.3 is installed",
    )
    assert listed["late"][0].startswith("Cannot be used: the scheduler 'late' of late 2.0 cannot be imported")
    refusal = (
        "the scheduler 'good' is offered by monthly 7 and weekly 0.3; uninstall all but one of them, or name "
        "one as py:monthly_module:Good"
    )
    assert listed["good"][0] == f"Cannot be used: {refusal}"
    with pytest.raises(BlackboxRepoError) as caught:
        scheduler_factory("good", {})
    assert str(caught.value) == refusal
    assert repr(scheduler_factory("asha", {})(quality_schema(), 1)).startswith("ASHA(")


def test_entry_points_are_read_only_where_a_name_is_not_known(run_python: Callable[..., str]) -> None:
    code = (
        "import sys; from simulator.registry import scheduler_factory; "
        "scheduler_factory('asha', {}); scheduler_factory('py:simulator:RandomSearch', {}); "
        "print('importlib.metadata' in sys.modules)"
    )
    assert run_python("-c", code) == "False\n"
