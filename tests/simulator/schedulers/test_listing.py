from __future__ import annotations

import pytest

from simulator.schedulers.listing import described_schedulers
from simulator.schedulers.registry import SCHEDULERS


def test_every_scheduler_is_described_in_the_order_of_the_alphabet() -> None:
    assert [name for name, _, _ in described_schedulers()] == sorted(SCHEDULERS)


@pytest.mark.parametrize(("name", "what", "settings"), described_schedulers(), ids=sorted(SCHEDULERS))
def test_what_it_does_and_each_setting_are_said_in_a_line(name: str, what: str, settings: object) -> None:
    assert isinstance(settings, list)
    assert 30 < len(what) < 110, name
    assert [s for s in settings if not 15 < len(s.meaning) < 90] == []


def test_settings_are_shown_as_one_would_assign_them() -> None:
    (settings,) = [settings for name, _, settings in described_schedulers() if name == "asha"]
    assert [setting.assigned for setting in settings] == ["eta=3", "r_min=None", "brackets=1", "initial=[]"]
    assert settings[1].meaning == "The lowest rung; by default the smallest fidelity above 0"
