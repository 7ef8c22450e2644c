"""The pytest plugin: simulated runs as fixtures, and the running test, beside which golden files are kept.

Every pytest in an environment that has this project loads it. So it imports nothing but pytest, and the
package ``simulator`` only when a test asks for one of the fixtures, as another project may have a package of
that name. The assertions are in ``simulator.testing``.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

OPTION = "--sim-regen"
MARKER = (
    "simulation(blackbox=..., workers=..., stop=..., seed=..., conditions=..., time_model=...): what the "
    "fixtures blackbox and simulated_run simulate; by default 50 trials of lcbench-167200 on 4 workers"
)
_TITLE = "simulated schedulers"


@dataclass
class RunningTest:
    """The running test, as far as assertions need to know it.

    Args:
        file: The file that defines it.
        name: Its class, function and parameters, as pytest writes them.
        regenerate: Whether the files that tests compare with are to be rewritten.
        written: The files that tests of this session have written, each with the message about it.
        notes: Messages that are shown even if the test passes.
        files: The files named after the test that it has compared with.
    """

    file: Path
    name: str
    regenerate: bool = False
    written: dict[Path, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


_running: ContextVar[RunningTest | None] = ContextVar("the running test", default=None)


def running() -> RunningTest | None:
    """The running test, if a pytest with this plugin runs one."""
    return _running.get()


@contextmanager
def enter(test: RunningTest) -> Iterator[None]:
    """Within this, :func:`running` returns the test."""
    token = _running.set(test)
    try:
        yield
    finally:
        _running.reset(token)


class _Session:
    """The hooks of a session; it remembers the files that its tests have written."""

    def __init__(self, *, regenerate: bool) -> None:
        self._regenerate = regenerate
        self._written: dict[Path, str] = {}

    @pytest.hookimpl(hookwrapper=True)  # the older of the two forms works with every pytest
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Tell the assertions which test is running, and keep their notes."""
        name = item.nodeid.split("::", 1)[-1]
        test = RunningTest(item.path, name, self._regenerate, self._written)
        with enter(test):
            yield
        for note in test.notes:
            item.add_report_section("call", _TITLE, note)
            item.user_properties.append((_TITLE, note))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show the notes of tests that passed; the report of a failed test has its own."""
        notes = [
            f"{report.nodeid}: {note}"
            for report in terminalreporter.getreports("passed")
            for name, note in report.user_properties
            if name == _TITLE
        ]
        if notes:
            terminalreporter.section(_TITLE)
            for note in notes:
                terminalreporter.line(note)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that rewrites golden files."""
    parser.getgroup(_TITLE).addoption(
        OPTION,
        action="store_true",
        help="Rewrite golden traces and baselines. A test whose file changes fails in this session, so that "
        "no change is committed unseen.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the hooks of this session."""
    config.addinivalue_line("markers", MARKER)
    config.pluginmanager.register(_Session(regenerate=bool(config.getoption(OPTION))))


@pytest.fixture
def blackbox(request: pytest.FixtureRequest) -> Any:
    """The blackbox that the marker ``simulation`` names."""
    return _setup_maker()(_marker_settings(request)).blackbox


@pytest.fixture
def simulated_run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """``simulated_run(make_scheduler)``: a run as the marker ``simulation`` says, or the keywords."""
    marked, make_setup = _marker_settings(request), _setup_maker()

    def run(make_scheduler: Any, **settings: Any) -> Any:
        return make_setup({**marked, **settings}).run(make_scheduler)

    return run


def _setup_maker() -> Callable[[Mapping[str, Any]], Any]:
    """The function of ``simulator.testing`` that makes a simulation of keywords.

    Raises:
        pytest.UsageError: The package ``simulator`` that Python finds belongs to another project.
    """
    found, ours = _package_folder("simulator"), Path(__file__).parents[1] / "simulator"
    if found != ours.resolve():
        raise pytest.UsageError(
            f"the fixtures blackbox and simulated_run need blackbox-repo's package simulator, {ours}, but "
            f"here simulator is {found}; rename that package, or define fixtures of these names yourself"
        )
    return importlib.import_module("simulator.testing.simulation").make_setup  # type: ignore[no-any-return]


def _package_folder(package: str) -> Path | None:
    """The folder of a package that Python would import, without importing it."""
    spec = importlib.util.find_spec(package)
    folders = spec and (spec.submodule_search_locations or [spec.origin or ""])
    return Path(next(iter(folders))).resolve() if folders else None


def _marker_settings(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The keywords of the markers; of two that give the same one, the marker nearest to the test wins."""
    marked: dict[str, Any] = {}
    for marker in request.node.iter_markers("simulation"):
        if marker.args:
            raise pytest.UsageError(f"the marker simulation takes keywords only, not {marker.args!r}")
        marked = {**marker.kwargs, **marked}
    return marked
