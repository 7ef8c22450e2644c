"""What is handed out frozen reads like what it was made of, and cannot be changed."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from blackbox_repo.frozen import frozen, sealed

PLAIN = {"a": [1, {"b": [2.5, None, "x"]}], "c": True}


def pickled(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301, TID251  our own


@pytest.mark.parametrize("copied", [frozen, copy.copy, copy.deepcopy, pickled])
def test_it_is_equal_to_the_plain_one_and_the_same_json(copied: Callable[[Any], Any]) -> None:
    made = copied(frozen(PLAIN))
    assert made == PLAIN
    assert type(made) is type(frozen(PLAIN))
    assert json.dumps(made) == json.dumps(PLAIN)


@pytest.mark.parametrize(
    "change",
    [
        lambda f: f.update(c=1),
        lambda f: f.__setitem__("c", 1),
        lambda f: f.__delitem__("c"),
        lambda f: f.pop("c"),
        lambda f: f.popitem(),
        lambda f: f.setdefault("d", 1),
        lambda f: f.clear(),
        lambda f: f.__ior__({"d": 1}),
        lambda f: f["a"].append(1),
        lambda f: f["a"].extend([1]),
        lambda f: f["a"].insert(0, 1),
        lambda f: f["a"].remove(1),
        lambda f: f["a"].pop(),
        lambda f: f["a"].clear(),
        lambda f: f["a"].sort(),
        lambda f: f["a"].reverse(),
        lambda f: f["a"].__setitem__(0, 1),
        lambda f: f["a"].__delitem__(0),
        lambda f: f["a"].__iadd__([1]),
        lambda f: f["a"].__imul__(2),
        lambda f: f["a"][1]["b"].append(1),
    ],
)
def test_it_cannot_be_changed(change: Callable[[Any], Any]) -> None:
    made = frozen(PLAIN)
    with pytest.raises(TypeError, match="cannot be changed, since others read it too"):
        change(made)
    assert made == PLAIN


@pytest.mark.parametrize("array", [np.arange(6)[::2], np.zeros(0), np.zeros(2, [("a", "<i8"), ("b", "u1")])])
def test_an_array_cannot_even_be_told_to_be_writable(array: Any) -> None:
    view = sealed(array)
    assert view.dtype == array.dtype
    assert view.tolist() == array.tolist()
    with pytest.raises(ValueError, match="cannot set WRITEABLE flag to True"):
        view.flags.writeable = True


def test_a_frozen_dict_is_its_own_copy() -> None:
    made = frozen({"a": 1})
    assert copy.copy(made) is copy.deepcopy(made) is made
    assert {**made, "b": 2} == {"a": 1, "b": 2}
    assert dict(made) | {"b": 2} == {"a": 1, "b": 2}
