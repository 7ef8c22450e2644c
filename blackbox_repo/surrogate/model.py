"""What every fitted model has in common: encoded configurations go in, learning curves come out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

from blackbox_repo.curve import Array

Say: TypeAlias = Callable[[str], None]
"""Called with what a fit does now, in a few words."""


class CurveModel(Protocol):
    """A fitted model. It is evaluated with numpy alone, whatever it was fitted with."""

    @property
    def kind(self) -> str:
        """What it is, such as ``"forest"``; a stored model is read by its kind."""

    @property
    def features(self) -> int:
        """How many features an encoded configuration must have at least."""

    def predict(self, rows: Array) -> Mapping[str, Array]:
        """The curves of many configurations.

        Args:
            rows: Encoded configurations ``(configuration, feature)``.

        Returns:
            Objective -> its values ``(configuration, fidelity)``, or ``(configuration, 1)`` for a constant
            one, not rounded. A row alone and in a batch agree in 12 digits.
        """

    def spec(self) -> dict[str, Any]:
        """What the model is beside its arrays, as a JSON object."""

    def arrays(self) -> dict[str, Array]:
        """Name -> the flat arrays of which, with the spec, the model is made again.

        Raises:
            InvalidOption: The model is foreign code, which can only stay in memory.
        """
