"""Whether schedulers rank on a surrogate as on its table: what the simulator offers to this package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from blackbox_repo.errors import InvalidOption
from blackbox_repo.plugins import find_plugins, load_plugin

GROUP = "blackbox_repo.scheduler_agreement"
"""The group of entry points in which the simulator offers ``(fitting, *, say) -> SchedulerAgreement``."""


def find_measurement() -> Callable[..., Any]:
    """What measures the agreement of schedulers; this package, below the simulator, does not know any.

    Raises:
        InvalidOption: No installed package offers it, or several do.
    """
    offered = find_plugins(GROUP)
    if not offered:
        raise InvalidOption(
            f"no installed package offers to compare schedulers (entry points {GROUP!r}); this one does "
            f"once it is installed anew: pip install --upgrade blackbox-repo"
        )
    measure: Callable[..., Any] = load_plugin("comparison of schedulers", offered)
    return measure
