"""The pytest plugin: simulated runs as fixtures, and where the assertions keep what they compare with.

It is loaded by every pytest of an environment that has this project, so it imports what the assertions need
only when a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from simulator.testing import current

if TYPE_CHECKING:
    from blackbox_repo.blackbox import Blackbox
    from simulator.run import Run

MARKER = (
    "simulation(blackbox=..., workers=..., stop=..., seed=..., conditions=..., time_model=...): what the "
    "fixtures blackbox and simulated_run simulate; by default 50 trials of lcbench-167200 on 4 workers"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--sim-regen``."""
    parser.getgroup("simulated schedulers").addoption(
        "--sim-regen",
        action="store_true",
        help="Write golden traces and baselines anew. A test whose file changes by that fails this once, so "
        "that nobody commits a change unseen.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Say to the assertions which test is running."""
    name = item.nodeid.split("::", 1)[-1]
    test = current.Test(item.path, name, regenerate=bool(item.config.getoption("--sim-regen")))
    with current.entered(test):
        try:
            return (yield)
        finally:
            for note in test.notes:
                item.add_report_section("call", "simulated schedulers", note)
                item.user_properties.append(("simulated schedulers", note))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the assertions found in tests that passed; those that failed say it themselves."""
    notes = [
        f"{report.nodeid}: {note}"
        for report in terminalreporter.getreports("passed")
        for name, note in report.user_properties
        if name == "simulated schedulers"
    ]
    if notes:
        terminalreporter.section("simulated schedulers")
        for note in notes:
            terminalreporter.line(note)


@pytest.fixture
def blackbox(request: pytest.FixtureRequest) -> Blackbox:
    """The blackbox of the marker ``simulation``."""
    from simulator.testing.simulation import Simulated

    return Simulated.of(_marked(request)).blackbox


@pytest.fixture
def simulated_run(request: pytest.FixtureRequest) -> Callable[..., Run]:
    """``simulated_run(make_scheduler)``: a run as the marker ``simulation`` says; keywords say otherwise."""
    from simulator.testing.simulation import Simulated

    marked = _marked(request)

    def run(make_scheduler: Any, **settings: Any) -> Run:
        return Simulated.of({**marked, **settings}).run(make_scheduler)

    return run


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The nearest marker's keywords fill up those of the farther ones."""
    marked: dict[str, Any] = {}
    for marker in request.node.iter_markers("simulation"):
        if marker.args:
            raise pytest.UsageError(f"the marker simulation takes keywords only, not {marker.args!r}")
        marked = {**marker.kwargs, **marked}
    return marked
