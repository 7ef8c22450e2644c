"""The faults that are tried."""

from __future__ import annotations

from tests.mutants.sampler import mutants

SOURCE = '''
def f(x):
    """Nothing here is changed: 1 < 2."""
    assert x > 0, "nor here"
    y = x + 1
    if not y <= 3:
        self.busy_from.add(y)
    return f"{x - 1}"
'''


def test_each_fault_is_one_small_change_of_a_statement() -> None:
    found = [(mutant.before, mutant.after) for mutant in mutants(SOURCE)]
    assert sorted(found) == [
        ("if not y <= 3:", "if not not y <= 3:"),
        ("if not y <= 3:", "if not y < 3:"),
        ("if not y <= 3:", "if not y <= 4:"),
        ("self.busy_from.add(y)", "None"),
        ("self.busy_from.add(y)", "self.start.add(y)"),
        ("y = x + 1", "y = x + 2"),
        ("y = x + 1", "y = x - 1"),
    ]


def test_all_but_the_fault_stays_as_it_is() -> None:
    for mutant in mutants(SOURCE):
        assert mutant.source.count(mutant.after) >= 1
        assert len(mutant.source.splitlines()) == len(SOURCE.strip().splitlines())
