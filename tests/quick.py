"""Which of many cases are tried whenever the tests run; the slow tests have the rest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def few_and_the_rest(cases: Iterable[Any], each: int) -> list[Any]:
    """The cases as parameters, of which every so many is tried always."""
    listed = list(cases)
    return [
        case if at % each == 0 else pytest.param(case, marks=pytest.mark.slow)
        for at, case in enumerate(listed)
    ]
