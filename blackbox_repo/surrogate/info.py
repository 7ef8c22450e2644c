"""What a surrogate was fitted to, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from blackbox_repo.surrogate.options import FitOptions
from blackbox_repo.surrogate.report import Report


@dataclass(frozen=True)
class SurrogateInfo:
    """What a surrogate was fitted to, and how.

    Args:
        model: The name of the model, such as ``"forest"``.
        seed: What was drawn while it was fitted.
        settings: The settings of the model that were given.
        options: The other options.
        versions: Library -> the version with which it was fitted.
        table: The digest of the table; empty where that has none.
        rows: The number of configurations that it was fitted to.
        of: The number of configurations of the table.
        quality: How well it predicts configurations that are left out; ``None`` if that was not measured.
    """

    model: str
    seed: int = 0
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: FitOptions = field(default_factory=FitOptions)
    versions: Mapping[str, str] = field(default_factory=dict)
    table: str = ""
    rows: int = 0
    of: int = 0
    quality: Report | None = None

    def unusual(self) -> dict[str, object]:
        """The seed, settings and options that are not the defaults, by name."""
        return {**({"seed": self.seed} if self.seed else {}), **self.settings, **self.options.unusual()}
