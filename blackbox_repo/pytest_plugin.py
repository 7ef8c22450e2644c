"""The pytest plugin: simulated runs as fixtures, and the running test, beside which golden files lie.

Every pytest in an environment that has this project loads it. So it imports nothing but pytest, and the
package ``simulator`` only when a test asks for one of the fixtures, as another project may have a package of
that name. What tests assert is in ``simulator.testing``.
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
    """A running test, as far as assertions need to know it.

    Args:
        file: Where it stands.
        name: Its class, function and parameters, as pytest writes them.
        regenerate: Whether files to compare with are to be written anew.
        written: The files that tests of this session have written, each with what was said of it.
        notes: What is worth telling even though it passes.
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
def entered(test: RunningTest) -> Iterator[None]:
    """Within this, ``test`` is the running one."""
    token = _running.set(test)
    try:
        yield
    finally:
        _running.reset(token)


class _Session:
    """The hooks of one session, which remembers the files that its tests have written."""

    def __init__(self, *, regenerate: bool) -> None:
        self._regenerate = regenerate
        self._written: dict[Path, str] = {}

    @pytest.hookimpl(hookwrapper=True)  # the older of the two forms works with every pytest
    def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
        """Let the assertions know which test is running, and keep what they note."""
        name = item.nodeid.split("::", 1)[-1]
        test = RunningTest(item.path, name, self._regenerate, self._written)
        with entered(test):
            yield
        for note in test.notes:
            item.add_report_section("call", _TITLE, note)
            item.user_properties.append((_TITLE, note))

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show what the assertions found in tests that passed; those that failed say it themselves."""
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
    """Add the option that writes golden files anew."""
    parser.getgroup(_TITLE).addoption(
        OPTION,
        action="store_true",
        help="Write golden traces and baselines anew. A test whose file changes by that fails in this "
        "session, so that nobody commits a change unseen.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and the hooks of this session."""
    config.addinivalue_line("markers", MARKER)
    config.pluginmanager.register(_Session(regenerate=bool(config.getoption(OPTION))))


@pytest.fixture
def blackbox(request: pytest.FixtureRequest) -> Any:
    """The blackbox of the marker ``simulation``."""
    return _simulated()(_marked(request)).blackbox


@pytest.fixture
def simulated_run(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """``simulated_run(make_scheduler)``: a run as the marker ``simulation`` says; keywords say otherwise."""
    marked, simulated = _marked(request), _simulated()

    def run(make_scheduler: Any, **settings: Any) -> Any:
        return simulated({**marked, **settings}).run(make_scheduler)

    return run


def _simulated() -> Callable[[Mapping[str, Any]], Any]:
    """What makes a run of keywords.

    Raises:
        pytest.UsageError: The package ``simulator`` that Python finds is another project's.
    """
    found, ours = _place("simulator"), Path(__file__).parents[1] / "simulator"
    if found != ours.resolve():
        raise pytest.UsageError(
            f"the fixtures blackbox and simulated_run need blackbox-repo's package simulator, {ours}, but "
            f"here simulator is {found}; rename that package, or define fixtures of these names yourself"
        )
    return importlib.import_module("simulator.testing.simulation").Simulated.of  # type: ignore[no-any-return]


def _place(package: str) -> Path | None:
    """The folder of a package that Python would import, without importing it."""
    spec = importlib.util.find_spec(package)
    places = spec and (spec.submodule_search_locations or [spec.origin or ""])
    return Path(next(iter(places))).resolve() if places else None


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The nearest marker's keywords fill up those of the farther ones."""
    marked: dict[str, Any] = {}
    for marker in request.node.iter_markers("simulation"):
        if marker.args:
            raise pytest.UsageError(f"the marker simulation takes keywords only, not {marker.args!r}")
        marked = {**marker.kwargs, **marked}
    return marked
