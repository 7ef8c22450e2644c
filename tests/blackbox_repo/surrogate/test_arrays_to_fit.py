"""Training data as plain arrays, for models of one's own."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from blackbox_repo import Float, Ordinal, Space, fit_surrogate, load_blackbox, training_data
from blackbox_repo.errors import InvalidOption, NotTabulated, UnknownName
from tests.blackbox_repo.surrogate.tables import SPACE, make_table, smooth_table

RUNS = [
    [(4.0, 1.0, 10.0, 5.0), (2.0, 1.0, 10.0, 5.0)],
    [],
    [(9.0, 2.0, 1.0, 5.0)],
]


def test_rows_are_examples_and_columns_are_features_and_points() -> None:
    rows, y, names = training_data(make_table(RUNS, most=2), objectives=["params", "loss"])
    assert rows.shape == (2, 5)
    assert names.features == ("lr", "layers", "optimizer=sgd", "optimizer=adam", "momentum")
    assert names.outputs == (("loss", 1), ("loss", 2), ("params", None))
    assert names.examples == (0, 2)
    assert y.tolist() == [[4, 2, 0], [9, 9, 2]]


def test_by_default_all_objectives_are_there() -> None:
    names = training_data(make_table(RUNS, most=2))[2]
    assert list(dict(names.outputs)) == ["loss", "accuracy", "elapsed_time", "samples", "params"]
    assert len(names.outputs) == 9


def test_frames_have_the_same_numbers_under_their_names() -> None:
    pd = pytest.importorskip("pandas")
    table = smooth_table(6)
    rows, y, names = training_data(table)
    framed, outputs, same = training_data(table, frame=True)
    assert same == names
    assert framed["lr"].tolist() == rows[:, 0].tolist()
    assert outputs["loss"].columns.tolist() == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(outputs.to_numpy(), y)
    assert outputs.index.tolist() == list(names.examples)
    assert isinstance(outputs, pd.DataFrame)


def test_frames_need_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"training_data\(frame=True\) needs pandas: install"):
        training_data(smooth_table(2), frame=True)


def test_a_wider_space_encodes_the_table() -> None:
    rows, _, names = training_data(
        smooth_table(8), space=Space({**SPACE.domains, "lr": Float(1e-8, 1e4, log=True)}, SPACE.conditions)
    )
    assert names.features[0] == "lr"
    assert (rows[:, 0] >= 1 / 3).all()
    assert (rows[:, 0] <= 2 / 3).all()


def test_what_cannot_be_learnt_from_is_refused() -> None:
    table = smooth_table(8)
    with pytest.raises(UnknownName, match="'los'.*did you mean 'loss'"):
        training_data(table, objectives=["los"])
    with pytest.raises(NotTabulated):
        training_data(load_blackbox("yahpo-lcbench")["3945"])
    narrow = Space({**SPACE.domains, "layers": Ordinal((7, 8))}, SPACE.conditions)
    for learn in (training_data, fit_surrogate):
        with pytest.raises(
            InvalidOption, match=r"every configuration of 'drawn/table', but layers=\d is none of 7, 8"
        ):
            learn(table, space=narrow)


def test_the_example_of_the_documentation_is_true() -> None:
    rows, y, names = training_data(load_blackbox("icml-deepar")["electricity"], objectives=["crps"])
    assert (rows.shape, y.shape, names.outputs) == ((222, 6), (222, 1), (("crps", 1),))
