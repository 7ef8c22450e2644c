"""One call of a library at a time: its random state, and what it prints, are its own in every thread."""

from __future__ import annotations

import copy
import pickle
import random  # noqa: TID251  the subject of these tests
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from simulator.global_state import GlobalRandomState, silence

NUMPY: Any = np.random  # noqa: TID251  whose global generator is the subject, too


def draws() -> tuple[float, float]:
    return random.random(), float(NUMPY.random_sample())  # noqa: S311  the global ones


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
    NUMPY.seed(1)  # the user's
    NUMPY.standard_normal()  # of two, the second is kept for the next call
    expected = [float(NUMPY.standard_normal()), *draws()]  # the user's
    random.seed(1)
    NUMPY.seed(1)  # the user's
    NUMPY.standard_normal()  # the user's
    in_threads(drawn)
    assert [float(NUMPY.standard_normal()), *draws()] == expected  # the user's


def test_a_library_draws_what_it_would_draw_with_the_generators_for_itself() -> None:
    """Of two normal draws that are made together the second one comes in the next block."""

    def three() -> list[float]:
        return [float(NUMPY.standard_normal()), *draws()]  # the library's

    random.seed(7)
    NUMPY.seed(7)  # what a library has for itself
    alone = [three() for _ in range(9)]
    state, found = GlobalRandomState(7), []
    for number in range(9):
        with state:
            found.append(three())
        NUMPY.standard_normal(number)  # the user's
    assert found == alone


def test_a_library_may_save_set_and_seed_numpys_generator() -> None:
    state = GlobalRandomState(7)
    with state:
        saved = NUMPY.get_state()  # the library's
        first = draws()[1]
    with state:
        NUMPY.set_state(saved)  # the library's
        assert draws()[1] == first
        NUMPY.seed(3)  # the library's
    with state:
        assert draws()[1] == NUMPY.RandomState(3).random_sample()  # as after NUMPY.seed(3)


def pickled(given: Any) -> Any:
    return pickle.loads(pickle.dumps(given))  # noqa: S301, TID251  our own


@pytest.mark.parametrize("copied", [copy.deepcopy, pickled])
def test_a_copy_of_the_librarys_generator_goes_on_by_itself(copied: Callable[[Any], Any]) -> None:
    """As scikit-learn makes one of the generator that it is given for ``random_state=None``."""
    with GlobalRandomState(7):
        NUMPY.standard_normal()
        its = NUMPY.get_state.__self__
        other = copied(its)
        jumped = NUMPY.RandomState(NUMPY.get_bit_generator().jumped()).random_sample()
        assert [other.standard_normal() for _ in range(3)] == [NUMPY.standard_normal() for _ in range(3)]
        assert jumped not in (other.random_sample(), NUMPY.random_sample())


@pytest.mark.parametrize("kind", [NUMPY.MT19937, NUMPY.PCG64])  # the user's
def test_the_user_has_the_same_bit_generator_as_before(kind: Any) -> None:
    before, own = NUMPY.get_bit_generator(), kind(5)
    expected = [float(draw) for draw in NUMPY.RandomState(kind(5)).standard_normal(4)]
    NUMPY.set_bit_generator(own)
    try:
        found = []
        for _ in range(4):
            found.append(float(NUMPY.standard_normal()))  # the user's
            assert drawn(3, 1) == drawn(3, 1)
            assert NUMPY.get_bit_generator() is own
    finally:
        NUMPY.set_bit_generator(before)
    assert found == expected


def test_another_thread_that_draws_meanwhile_harms_neither_generator() -> None:
    state, over = GlobalRandomState(1), threading.Event()

    def draw_on() -> None:
        while not over.is_set():
            NUMPY.random_sample(100_000)  # without Python's lock while it draws

    other = threading.Thread(target=draw_on)
    other.start()
    try:
        for _ in range(300):
            with state:
                drawn_meanwhile = NUMPY.random_sample(2_000)  # at the same time
                assert 0 <= drawn_meanwhile.min() <= drawn_meanwhile.max() < 1
                assert NUMPY.get_state()[2] <= 624  # its position among the words
    finally:
        over.set()
        other.join()


def test_an_error_puts_the_users_state_back_and_lets_the_others_in() -> None:
    state = NUMPY.get_state()[1].tolist()  # the user's
    with pytest.raises(ValueError, match="no"), GlobalRandomState(3), silence():
        raise ValueError("no")
    assert NUMPY.get_state()[1].tolist() == state  # the user's
    assert in_threads(lambda seed: drawn(seed, 1), 2) == [drawn(seed, 1) for seed in range(2)]


def test_standard_output_is_never_left_redirected() -> None:
    before, filters = sys.stdout, warnings.filters[:]

    def silent(_: int) -> None:
        for _ in range(200):
            with silence():
                print("nobody hears this")  # noqa: T201

    in_threads(silent)
    assert sys.stdout is before
    assert warnings.filters == filters


def test_what_other_threads_print_meanwhile_is_heard(capsys: pytest.CaptureFixture[str]) -> None:
    with silence():
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
    with silence():
        found = sys.stdout
        monkeypatch.setattr(sys, "stdout", open_nowhere := object())
    assert sys.stdout is open_nowhere
    monkeypatch.setattr(sys, "stdout", found)
    print("heard")  # noqa: T201
    monkeypatch.undo()
    assert capsys.readouterr().out == "heard\n"


def test_numpys_errors_do_not_reach_a_library() -> None:
    with np.errstate(all="raise"):
        with silence():
            assert np.isinf(np.float64(1) / np.float64(0))
        with pytest.raises(FloatingPointError):
            np.float64(1) / np.float64(0)
