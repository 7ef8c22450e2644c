from __future__ import annotations

import pytest

from blackbox_repo.blackbox import from_function
from blackbox_repo.domains import Float
from blackbox_repo.errors import (
    InvalidConfiguration,
    NotTabulated,
    UnknownFidelity,
    UnknownName,
    UnknownSeed,
)
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space

SCHEMA = Schema(
    Space({"x": Float(0, 10)}),
    Fidelity("epoch", (1, 2, 4)),
    (Objective("loss", "min"), Objective("elapsed_time", "none", cumulative=True)),
    "loss",
    "elapsed_time",
)


def falling(configuration, seed):
    return {"loss": [configuration["x"] / e + seed for e in (1, 2, 4)], "elapsed_time": [60, 120, 240]}


BOX = from_function(SCHEMA, falling, name="falling", seeds=(3, 4))


def test_a_function_is_a_blackbox():
    assert BOX.curve({"x": 8})["loss"].tolist() == [11, 7, 5]
    assert BOX.curve({"x": 8}, seed=4)["loss"].tolist() == [12, 8, 6]
    assert BOX.curve({"x": 8}).seed == 3
    assert BOX.seeds({"x": 8}) == (3, 4)
    assert repr(BOX) == "<_FunctionBlackbox falling>"


def test_without_a_fidelity_the_largest_is_evaluated():
    assert BOX.evaluate({"x": 8}) == BOX.evaluate({"x": 8}, 4) == {"loss": 5.0, "elapsed_time": 240.0}
    assert BOX.evaluate({"x": 8}, 1, seed=4) == {"loss": 12.0, "elapsed_time": 60.0}
    with pytest.raises(UnknownFidelity, match="epoch=3 is not in 1, 2, 4"):
        BOX.evaluate({"x": 8}, 3)


def test_many_curves_are_the_single_ones():
    curves = BOX.curves([{"x": 0}, {"x": 4}], seed=4)
    assert [curve["loss"].tolist() for curve in curves] == [[4, 4, 4], [8, 6, 5]]
    assert BOX.curves([]) == []


def test_the_function_sees_a_checked_copy():
    seen = []

    def greedy(configuration, seed):
        seen.append((dict(configuration), seed))
        configuration["x"] = -1
        return {"loss": [1], "elapsed_time": [1]}

    mine = {"x": 8}
    from_function(SCHEMA, greedy).curve(mine)
    assert seen == [({"x": 8.0}, 0)]
    assert type(seen[0][0]["x"]) is float
    assert mine == {"x": 8}


def test_bad_questions_are_refused():
    with pytest.raises(InvalidConfiguration, match=r"x=11 is not in \[0.0, 10.0\]"):
        BOX.curve({"x": 11})
    with pytest.raises(UnknownSeed) as caught:
        BOX.curve({"x": 1}, seed=0)
    assert str(caught.value) == "'falling' has the seeds (3, 4), not 0"


def test_a_function_has_no_table_and_no_digest():
    assert BOX.digest() == ""
    for ask in (BOX.configurations, BOX.to_pandas, lambda: BOX.values("loss")):
        with pytest.raises(NotTabulated, match=r"'falling' (lists no configurations|has no table): any"):
            ask()
    with pytest.raises(UnknownName, match="unknown objective 'los'"):
        BOX.values("los")
