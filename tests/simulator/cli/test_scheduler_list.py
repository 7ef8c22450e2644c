from __future__ import annotations

import pytest

from simulator.cli.scheduler_list import (
    NEEDS,
    SchedulerInfo,
    list_libraries,
    list_schedulers,
)
from simulator.registry import ADAPTERS, SCHEDULERS

OURS = {info.name: info for info in list_schedulers()}


def test_every_scheduler_is_described_in_the_order_of_the_alphabet() -> None:
    assert list(OURS) == sorted(SCHEDULERS)
    assert [each.name.partition(":")[0] for each in list_libraries()] == sorted(ADAPTERS)


@pytest.mark.parametrize("info", OURS.values(), ids=list(OURS))
def test_what_it_does_is_said_in_a_line_and_each_setting_in_two(info: SchedulerInfo) -> None:
    assert 30 < len(info.what) < 110
    assert [s for s in info.settings if not 15 < len(s.meaning) < 160] == []


def test_settings_are_shown_as_one_would_assign_them() -> None:
    settings = OURS["asha"].settings
    assert [setting.assigned for setting in settings] == [
        "eta=3",
        "r_min=None",
        "rungs=None",
        "brackets=1",
        "initial=[]",
        "duplicates=False",
    ]
    assert settings[1].meaning.startswith("The lowest rung")


def test_what_each_needs_is_said() -> None:
    assert OURS["pbt"].needs == "several fidelities of one training, and checkpoints"
    assert OURS["random"].needs == ""
    assert set(NEEDS) <= {*SCHEDULERS, *ADAPTERS}
    libraries = {each.name: each for each in list_libraries()}
    for name, each in libraries.items():
        installs = f"pip install 'blackbox-repo[{name.partition(':')[0].removesuffix('-nas')}]'"
        assert each.needs == installs or each.needs.endswith("is installed") or name == "process:COMMAND"
        assert [s.name for s in each.settings if not s.meaning] == [], name
    assert [s.name for s in libraries["optuna:TPESampler"].settings][:2] == ["pruner", "objectives"]
