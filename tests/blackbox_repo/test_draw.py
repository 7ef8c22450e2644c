from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo import draw

KEYS = st.lists(st.none() | st.integers() | st.floats(allow_nan=False) | st.text(), max_size=4)


def test_the_same_key_gives_the_same_number_on_every_machine_for_ever():
    assert draw.unit(0, "random-search", 17, "learning_rate") == 0.8236782732065293
    assert draw.unit(1, "Größe", 0.5) == 0.041710511684101004
    assert draw.unit() == 0.30869227472733685
    assert draw.integer(1000, "table", 3, None) == 19


def test_parts_of_a_key_do_not_run_together():
    assert len({draw.unit("ab", "c"), draw.unit("a", "bc"), draw.unit("abc"), draw.unit("abc", None)}) == 4
    assert draw.unit(1) != draw.unit(1.0) != draw.unit("1")


@given(KEYS)
def test_units_lie_in_the_half_open_interval(key):
    assert 0.0 <= draw.unit(*key) < 1.0


@given(st.integers(1, 2**70), KEYS)
def test_integers_lie_below_the_count(count, key):
    assert 0 <= draw.integer(count, *key) < count


def test_draws_are_spread_evenly():
    tenths = [0] * 10
    for index in range(10_000):
        tenths[int(draw.unit("spread", index) * 10)] += 1
    assert all(900 < count < 1100 for count in tenths)
