import copy
import pickle

import pytest

from blackbox_repo.frozen import FrozenDict


def test_a_frozen_dict_reads_like_any_and_refuses_every_change():
    frozen = FrozenDict({"a": 1})
    assert (frozen, frozen["a"], list(frozen), {**frozen, "b": 2}) == ({"a": 1}, 1, ["a"], {"a": 1, "b": 2})
    changes = {
        "__setitem__": ("a", 2),
        "__delitem__": ("a",),
        "__ior__": ({"a": 2},),
        "update": ({"a": 2},),
        "setdefault": ("b", 2),
        "pop": ("a",),
        "popitem": (),
        "clear": (),
    }
    for name, arguments in changes.items():
        with pytest.raises(TypeError, match=r"change dict\(it\) instead"):
            getattr(frozen, name)(*arguments)
    assert frozen == {"a": 1}


def test_a_frozen_dict_crosses_processes_and_is_its_own_copy():
    frozen = FrozenDict({"a": 1})
    again = pickle.loads(pickle.dumps(frozen))  # noqa: S301, TID251  what we wrote a moment ago
    assert (again, type(again)) == ({"a": 1}, FrozenDict)
    assert copy.copy(frozen) is copy.deepcopy(frozen) is frozen
