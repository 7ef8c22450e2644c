"""Pickles whose keys would burn the processor; each is small enough to end even if it were not refused."""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from conversion_scripts.readers.pickle_keys import FEW, KEY_LIMIT, Keys
from conversion_scripts.readers.pickle_stream import unpickle_parts
from conversion_scripts.readers.safe_pickle import unpickle

PRIME = 2**61 - 1  # integers that differ by it have the same hash
TWINS = [-1, -2]  # they too


class Called:
    """Pickles as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> object:
        return self.call


def nested(depth: int) -> bytes:
    """Opcodes that push a tuple with two of the one before, and so on; hashing it looks at 2 ** depth."""
    parts = [b")\x94"]  # the empty tuple, remembered as number 0
    for number in range(depth):
        get = b"h" + bytes([number])
        parts.append(b"0" + get + get + b"\x86\x94")
    return b"".join(parts)


DEEP = nested(24)
ENTRIES = {
    "SETITEM": b"\x80\x04}" + DEEP + b"Ns.",
    "SETITEMS": b"\x80\x04}(" + DEEP + b"Nu.",
    "ADDITEMS": b"\x80\x04\x8f(" + DEEP + b"\x90.",
    "FROZENSET": b"\x80\x04(" + DEEP + b"\x91.",
    "set(list)": b"\x80\x04cbuiltins\nset\n](" + DEEP + b"e\x85R.",
    "OrderedDict(list)": b"\x80\x04ccollections\nOrderedDict\n](" + DEEP + b"N\x86e\x85R.",
}


@pytest.mark.parametrize("content", ENTRIES.values(), ids=ENTRIES)
def test_a_key_of_nested_tuples_is_refused(content: bytes) -> None:
    with pytest.raises(FormatError, match=f"a key of more than the limit of {KEY_LIMIT} objects"):
        unpickle(content)
    small = content.replace(DEEP, nested(3))
    assert small != content
    assert len(unpickle(small)) == 1


def colliding(kind: str, count: int) -> list[object]:
    if kind == "integers":
        return [k % 7 + PRIME * k for k in range(count)]
    if kind == "complex":
        return [complex(-1000003 * k, k) for k in range(count)]
    if kind == "tuples":
        return [tuple(TWINS[k >> bit & 1] for bit in range(11)) for k in range(count)]
    if kind == "tuples of integers":
        return [(PRIME * (k % 4), PRIME * (k // 4 % 4), PRIME * (k // 16 % 4), k // 64) for k in range(count)]
    return [frozenset({(k, TWINS[k % 2])}) for k in range(count)]


def one_by_one(keys: list[object]) -> bytes:
    """A dict into which the keys are put by an opcode each."""
    parts = [pickle.dumps(key, 4)[2:-1].replace(b"\x94", b"") for key in keys]
    frames = [part[9:] if part[:1] == b"\x95" else part for part in parts]
    return b"\x80\x04}" + b"".join(part + b"Ns" for part in frames) + b"."


@pytest.mark.parametrize("kind", ["integers", "complex", "tuples", "tuples of integers"])
def test_many_keys_of_one_hash_are_refused_and_a_few_are_read(kind: str) -> None:
    for count in (20, 2000):
        keys = colliding(kind, count)
        assert len(set(keys)) == count
        assert len(set(map(hash, keys))) < max(8, count // 16)
        contents = {
            "a dict": pickle.dumps(dict.fromkeys(keys), 4),
            "a set": pickle.dumps(set(keys), 4),
            "a frozen set": pickle.dumps(frozenset(keys), 4),
            "a set out of a list": pickle.dumps(set(keys), 2),
            "an OrderedDict": pickle.dumps(OrderedDict.fromkeys(keys), 2),
            "an OrderedDict out of a list": pickle.dumps(Called(OrderedDict, [(key, None) for key in keys])),
        }
        if kind != "complex":
            contents["one by one"] = one_by_one(keys)
        for how, content in contents.items():
            if count == 20:
                assert set(unpickle(content)) == set(keys), how
            else:
                with pytest.raises(FormatError, match=f"more than {FEW} keys with the hashes of others"):
                    unpickle(content)


def test_the_limit_is_reached_by_all_keys_of_a_container_together() -> None:
    keys = [PRIME * k for k in range(8)]
    few = {**dict.fromkeys(range(100_000)), **dict.fromkeys([PRIME + k for k in range(FEW)])}
    assert unpickle(pickle.dumps(few)) == few
    with pytest.raises(FormatError, match="keys with the hashes of others in one container"):
        unpickle(pickle.dumps({**few, PRIME + FEW: None}))
    assert len(unpickle(pickle.dumps([dict.fromkeys(keys) for _ in range(100)]))) == 100


def test_a_long_integer_is_no_key_but_may_be_a_value() -> None:
    assert unpickle(pickle.dumps({"x": 1 << 10_000}))["x"] == 1 << 10_000
    assert unpickle(pickle.dumps({2**64 - 1: 0, 1 << 4000: 1})) == {2**64 - 1: 0, 1 << 4000: 1}
    with pytest.raises(FormatError, match=f"a key of more than the limit of {KEY_LIMIT} objects"):
        unpickle(pickle.dumps({(1, 1 << 10_000): 0}))


def test_ordinary_keys_of_all_kinds_are_read() -> None:
    data = {
        **{f"x{k}": k for k in range(5000)},
        **dict.fromkeys(range(-5000, 5000)),
        **{("cifar10", k): k for k in range(5000)},
        **dict.fromkeys(np.linspace(0, 1, 5000).tolist()),
        None: 1,
        b"x": 2,
        frozenset({1, 2}): 3,
    }
    assert unpickle(pickle.dumps(data)) == data
    scalars = {np.int64(k): k for k in range(100)}
    assert unpickle(pickle.dumps(scalars)) == scalars


def test_pickles_that_are_read_in_parts_are_looked_at_too() -> None:
    def taken(part: dict[object, object]) -> bool:
        return "x" in part

    parts = {k: {"x": k, "y": [k]} for k in range(3000)}
    assert unpickle_parts(io.BytesIO(pickle.dumps(parts, 4)), "x", taken) == {k: {} for k in range(3000)}
    evil = {PRIME * k: {"x": k, "y": [k]} for k in range(3000)}
    with pytest.raises(FormatError, match="keys with the hashes of others"):
        unpickle_parts(io.BytesIO(pickle.dumps(evil, 4)), "x", taken)
    with pytest.raises(FormatError, match=f"a key of more than the limit of {KEY_LIMIT} objects"):
        unpickle_parts(io.BytesIO(ENTRIES["SETITEMS"]), "x", taken)


def test_what_is_no_dict_or_set_is_not_filled_by_keys() -> None:
    with pytest.raises(FormatError, match="sets items of a list; it was not run"):
        unpickle(b"\x80\x04]K\x00K\x00s.")
    with pytest.raises(FormatError, match="adds items to a list; it was not run"):
        unpickle(b"\x80\x04](K\x00\x90.")


def test_a_message_does_not_write_out_what_is_out_of_proportion() -> None:
    with pytest.raises(FormatError) as caught:
        unpickle(b"\x80\x04" + nested(60) + b"Q.")
    assert len(str(caught.value)) < 1000
    with pytest.raises(FormatError) as caught:
        unpickle(b"\x80\x04c" + b"x" * 100_000 + b"\nsystem\n.")
    assert len(str(caught.value)) < 1000


def test_names_by_number_are_refused() -> None:
    with pytest.raises(FormatError, match=r"^x is not a readable pickle: invalid load key, '\\x82'"):
        unpickle(b"\x80\x04\x82\x01.", "x")


def test_containers_are_forgotten_and_looked_at_anew() -> None:
    keys, container = Keys(), dict.fromkeys(PRIME * k for k in range(FEW + 1))
    keys.forget()
    with pytest.raises(FormatError, match="keys with the hashes of others"):
        keys.admit(container, [PRIME * 1000])


@pytest.mark.parametrize(
    ("largest", "too_large"),
    [
        ({tuple(range(KEY_LIMIT - 1)): 0}, {tuple(range(KEY_LIMIT)): 0}),
        ({((0,) * 60, (0,)): 0}, {((0,) * 60, (0, 0)): 0}),
        ({1 << 4158: 0}, {1 << 4159: 0}),
        (dict.fromkeys(PRIME * k for k in range(FEW + 1)), dict.fromkeys(PRIME * k for k in range(FEW + 2))),
    ],
)
def test_the_limits_are_where_they_are_said_to_be(
    largest: dict[object, int], too_large: dict[object, int]
) -> None:
    assert unpickle(pickle.dumps(largest)) == largest
    with pytest.raises(FormatError, match="the pickle has a key of more|the pickle has more than"):
        unpickle(pickle.dumps(too_large))
