"""One call of a library at a time: its random state, and what it prints, are its own in every thread."""

from __future__ import annotations

import random  # noqa: TID251  the subject of these tests
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from simulator.adapters.global_state import GlobalRandomState, hushed


def draws() -> tuple[float, float]:
    return random.random(), float(np.random.random_sample())  # noqa: NPY002, TID251, S311  the global ones


def in_threads(work: Callable[[int], Any], count: int = 8) -> list[Any]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(work, range(count)))
    finally:
        sys.setswitchinterval(before)


def drawn(seed: int, times: int = 50) -> list[tuple[float, float]]:
    state, found = GlobalRandomState(seed), []
    for _ in range(times):
        with state:
            found.append(draws())
    return found


def test_each_thread_draws_what_it_would_draw_alone() -> None:
    assert in_threads(drawn) == [drawn(seed) for seed in range(8)]


def test_the_users_generators_go_on_as_if_nothing_had_been() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002, TID251  the user's
    np.random.standard_normal()  # noqa: NPY002, TID251  of two, the second is kept for the next call
    expected = [float(np.random.standard_normal()), *draws()]  # noqa: NPY002, TID251  the user's
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002, TID251  the user's
    np.random.standard_normal()  # noqa: NPY002, TID251  the user's
    in_threads(drawn)
    assert [float(np.random.standard_normal()), *draws()] == expected  # noqa: NPY002, TID251  the user's


def test_an_error_puts_the_users_state_back_and_lets_the_others_in() -> None:
    state = np.random.get_state()[1].tolist()  # noqa: NPY002, TID251  the user's
    with pytest.raises(ValueError, match="no"), GlobalRandomState(3), hushed():
        raise ValueError("no")
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002, TID251  the user's
    assert in_threads(lambda seed: drawn(seed, 1), 2) == [drawn(seed, 1) for seed in range(2)]


def test_standard_output_is_never_left_redirected() -> None:
    before, filters = sys.stdout, warnings.filters[:]

    def silent(_: int) -> None:
        for _ in range(200):
            with hushed():
                print("nobody hears this")  # noqa: T201

    in_threads(silent)
    assert sys.stdout is before
    assert warnings.filters == filters


def test_what_other_threads_print_meanwhile_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    with hushed():
        other = threading.Thread(target=lambda: print("heard"))  # noqa: T201
        other.start()
        other.join()
        print("not heard")  # noqa: T201
    print("heard again")  # noqa: T201
    assert capsys.readouterr().out == "heard\nheard again\n"


def test_who_redirects_meanwhile_gets_back_an_output_that_speaks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """``redirect_stdout`` of another thread may begin in a call of a library and end after it."""
    with hushed():
        found = sys.stdout
        monkeypatch.setattr(sys, "stdout", open_nowhere := object())
    assert sys.stdout is open_nowhere
    monkeypatch.setattr(sys, "stdout", found)
    print("heard")  # noqa: T201
    monkeypatch.undo()
    assert capsys.readouterr().out == "heard\n"


def test_numpys_errors_do_not_reach_a_library() -> None:
    with np.errstate(all="raise"):
        with hushed():
            assert np.isinf(np.float64(1) / np.float64(0))
        with pytest.raises(FloatingPointError):
            np.float64(1) / np.float64(0)
