from __future__ import annotations

import collections
import io
import pickle
import tracemalloc
from typing import Any

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from conversion_scripts.readers.pickle_stream import unpickle_parts


def taken(content: bytes) -> tuple[list[dict[Any, Any]], Any]:
    """The dicts with an ``epochs`` in a pickle, and what is left of it."""
    parts: list[dict[Any, Any]] = []

    def take(part: dict[Any, Any]) -> bool:
        if "epochs" in part:
            parts.append(dict(part))
        return "epochs" in part

    left = unpickle_parts(io.BytesIO(content), "x.pkl", take)
    return parts, left


def record(index: int, shared: object = None) -> dict[str, Any]:
    curve = {f"x-valid@{epoch}": epoch + index / 7 for epoch in range(20)}
    times = collections.OrderedDict((epoch, 1.5) for epoch in range(20))
    return {
        "epochs": 20,
        "index": index,
        "curve": curve,
        "times": times,
        "again": curve,
        "size": np.float64(index),
        "shared": shared,
    }


@pytest.mark.parametrize("protocol", [4, 5])
def test_parts_are_those_of_the_whole_and_the_rest_is_left(protocol: int) -> None:
    shared = ["a", "list", "of", "all"]
    whole = {"names": ["a", "b"], "infos": {i: {"12": record(i, shared)} for i in range(50)}, "count": 50}
    parts, left = taken(pickle.dumps(whole, protocol))
    assert parts == [record(i, shared) for i in range(50)]
    assert left == {"names": ["a", "b"], "infos": {i: {"12": {}} for i in range(50)}, "count": 50}


def test_more_than_256_things_to_refer_to() -> None:
    words = [f"word {i}" for i in range(1000)]
    whole = {"words": words, "infos": {i: record(i, words[i]) for i in range(1000)}, "back": words[::-1]}
    parts, left = taken(pickle.dumps(whole, 4))
    assert [part["shared"] for part in parts] == words
    assert left["back"] == words[::-1]


def test_memory_does_not_grow_with_the_parts() -> None:
    peaks = []
    for count in (300, 3000):
        content = pickle.dumps({i: record(i) for i in range(count)}, 4)
        stream = io.BytesIO(content)
        tracemalloc.start()
        try:
            unpickle_parts(stream, "x.pkl", lambda part: "epochs" in part)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert len(content) > 2e6
    assert peaks[1] < peaks[0] + 6e5  # 3,000 empty dicts are left


def test_what_is_referred_to_after_it_was_forgotten_is_an_error() -> None:
    second = record(1, shared=["only", "in", "the", "second", "and", "last"])
    parts = [record(0), second, *(record(i) for i in range(2, 90)), record(90, second["shared"])]
    with pytest.raises(FormatError, match=r"^x\.pkl: the pickle refers back to what was in a part"):
        taken(pickle.dumps(parts, 4))


def test_what_some_parts_share_may_be_missing_in_those_between() -> None:
    seeds = [("cifar10", seed) for seed in (777, 888, 999)]
    whole = [record(i, seeds[2] if i % 40 == 1 else seeds[i % 2]) for i in range(300)]
    parts, _ = taken(pickle.dumps(whole, 4))
    assert parts == whole


def test_it_is_as_strict_as_the_other() -> None:
    with pytest.raises(FormatError, match=r"^x\.pkl: the pickle names os\.system, which is not among"):
        taken(b"cos\nsystem\n(S'x'\ntR.")
    with pytest.raises(FormatError, match=r"^x\.pkl: the pickle names builtins\.dict\.__doc__"):
        taken(b"\x80\x04\x8c\x08builtins\x8c\x0cdict.__doc__\x93.")
    with pytest.raises(FormatError, match="refers to the outside object 'storage'"):
        taken(b"Pstorage\n.")
    with pytest.raises(FormatError, match=r"names copyreg\._reconstructor|names builtins\.eval"):
        taken(b"cbuiltins\neval\n(S'1'\ntR.")


@pytest.mark.parametrize("damaged", [b"", b"no pickle", pickle.dumps(list(range(9)))[:-3]])
def test_damage_is_an_error_of_ours(damaged: bytes) -> None:
    with pytest.raises(FormatError, match=r"^x\.pkl is not a readable pickle: "):
        taken(damaged)


@pytest.mark.parametrize(
    ("damaged", "reason"), [(b"x", "invalid load key, 'x'."), (b"", "it ends early"), (b"]", "it ends early")]
)
def test_the_reason_is_in_words(damaged: bytes, reason: str) -> None:
    with pytest.raises(FormatError) as caught:
        taken(damaged)
    assert str(caught.value) == f"x.pkl is not a readable pickle: {reason}"


LIMIT = 100_000  # more than a frame of a pickle has


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x80\x04(" + b"N" * 200_000 + b"l.",
        b"\x80\x04\x8e" + (1 << 40).to_bytes(8, "little"),  # announces a tebibyte
        b"\x80\x04V" + b"a" * 200_000 + b"\n.",
        b"\x80\x04\x95" + (1 << 40).to_bytes(8, "little"),
    ],
    ids=["nothing", "bytes", "text", "frame"],
)
def test_a_part_is_not_read_beyond_its_limit(bomb: bytes) -> None:
    with pytest.raises(
        FormatError, match=rf"^x: the pickle has a part of more than the limit of {LIMIT} bytes"
    ):
        unpickle_parts(io.BytesIO(bomb), "x", lambda part: True, LIMIT)
    whole = pickle.dumps([record(i) for i in range(1000)], 4)
    assert len(whole) > 5 * LIMIT
    unpickle_parts(io.BytesIO(whole), "x", lambda part: "epochs" in part, LIMIT)


def test_no_bomb_goes_off_here_either() -> None:
    with pytest.raises(FormatError, match=r"^x\.pkl: the pickle calls builtins\.bytes\(int\), which plain"):
        taken(b"cbuiltins\nbytes\n(I3000000000\ntR.")
