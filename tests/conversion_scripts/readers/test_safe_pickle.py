from __future__ import annotations

import collections
import io
import pickle
import pickletools
import tracemalloc
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from conversion_scripts.readers.pickle_size import check_size
from conversion_scripts.readers.safe_pickle import unpickle, unpickle_torch


class _Acts:
    """Pickles as a call of any function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> object:
        return self.call


def _call(name: str) -> bytes:
    """A pickle, written by hand, that calls ``module.name('x')``."""
    module, function = name.rsplit(".", 1)
    return b"c" + module.encode() + b"\n" + function.encode() + b"\n(S'x'\ntR."


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_and_arrays_come_back(protocol: int) -> None:
    data = {
        "list": [1, 2.5, "three", None, True, (4, 5), {6}, 10**30],
        "ordered": collections.OrderedDict(a=1),
        "default": collections.defaultdict(list, {"b": [2]}),
    }
    assert unpickle(pickle.dumps(data, protocol)) == data


@pytest.mark.parametrize("protocol", [3, 4])  # bytes of older protocols call _codecs.encode
@pytest.mark.parametrize(
    "array", [np.arange(6.0).reshape(2, 3), np.array(["a", "bc"]), np.array([True]), np.int32([7])]
)
def test_arrays_and_their_scalars_come_back(array: np.ndarray, protocol: int) -> None:
    back, scalar = unpickle(pickle.dumps((array, array.flat[0]), protocol))
    assert np.array_equal(back, array)
    assert back.dtype == array.dtype
    assert scalar == array.flat[0]


def test_a_pickle_of_numpy_1_is_read_by_numpy_2() -> None:
    old = pickle.dumps(np.arange(3.0), 3).replace(b"numpy._core.", b"numpy.core.")
    assert b"numpy.core.multiarray" in old
    assert unpickle(old).tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "posix.system",
        "builtins.eval",
        "builtins.exec",
        "builtins.getattr",
        "builtins.__import__",
        "builtins.open",
        "numpy.load",
        "numpy.fromfile",
        "numpy.core.multiarray.fromfile",
        "numpy._core.numerictypes.sctypeDict",
        "pickle.loads",
        "subprocess.Popen",
        "collections.Counter",
    ],
)
def test_what_could_act_is_refused_by_name(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        unpickle(_call(name), "evil.pkl")
    assert str(caught.value) == (
        f"evil.pkl: the pickle names {name}, which is not among the plain containers, numbers and "
        f"numpy arrays that are read; nothing of it was run"
    )


HUGE = 3_000_000_000  # bytes, if it were believed


class _State:
    """Pickles as a call, and a state for what came of it."""

    def __init__(self, call: tuple[object, ...], state: object) -> None:
        self.reduced = (*call, state)

    def __reduce__(self) -> object:
        return self.reduced


def _array(shape: tuple[int, ...], kind: object, content: object) -> _State:
    reconstruct, arguments, _ = np.zeros(1).__reduce__()
    return _State((reconstruct, arguments), (1, shape, kind, False, content))


def _dtype(text: str, *state: object) -> _State:
    return _State((np.dtype, (text, False, True)), (3, "|", *state))


LIST = list(range(100_000))
BOMBS: dict[str, bytes] = {
    "bytes(n)": pickle.dumps(_Acts(bytes, HUGE)),
    "list(bytes(n))": pickle.dumps(_Acts(list, _Acts(bytes, HUGE // 8))),
    "ndarray(n)": pickle.dumps(_Acts(np.ndarray, (HUGE,), "b")),
    "ndarray.__new__(n)": b"\x80\x02cnumpy\nndarray\n" + f"((I{HUGE}\ntt".encode() + b"\x81.",
    "_reconstruct(n)": pickle.dumps(_Acts(np.zeros(1).__reduce__()[0], np.ndarray, (HUGE,), b"b")),
    "an array of objects": pickle.dumps(_array((HUGE // 8,), np.dtype("O"), [])),
    "an array of made-up shape": pickle.dumps(_array((HUGE,), np.dtype("S1"), b"")),
    "an array of nothing": pickle.dumps(_array((HUGE,), np.dtype("V0"), b"")),
    "a scalar without content": pickle.dumps(
        _Acts(np.float64(0).__reduce__()[0], _dtype("S1", None, None, None, HUGE, 1, 0))
    ),
    "a dtype of arrays": pickle.dumps(_array((1,), _dtype("V1", ("S1", (HUGE,)), None, None, 1, 1, 0), b"a")),
    "copies of a list": pickle.dumps([LIST, *(_Acts(set, LIST) for _ in range(200))]),
    "copies of a list to a tuple": pickle.dumps([LIST, *(_Acts(tuple, LIST) for _ in range(500))]),
    "text of nested lists": pickle.dumps(_Acts(str, [LIST] * 1000)),
    "a large number in the memo": b"\x80\x02Nr\x00\x00\x00\x10.",
    "a large number in the memo, as text": b"N" + b"p268435456\n.",
    "both hidden behind text": (b"\x80\x04\x8c\x02..X\x02\x00\x00\x00..Vp1\n0cp9\nq1\n0Nr\x00\x00\x00\x10."),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_does_not_fill_the_memory(bomb: bytes) -> None:
    tracemalloc.start()
    try:
        with suppress(FormatError):  # some give little or nothing, as what was announced is not there
            unpickle(bomb)
        assert tracemalloc.get_traced_memory()[1] < 50 * len(bomb) + 1_000_000
    finally:
        tracemalloc.stop()


def test_a_pickle_has_no_more_opcodes_than_are_read() -> None:
    content = pickle.dumps([[]] * 98 + ["text", 2**70, 1.5], 4)
    opcodes = sum(1 for _ in pickletools.genops(content))
    check_size(content, opcodes)
    with pytest.raises(FormatError, match=rf"^the pickle has more than the limit of {opcodes - 1} opcodes"):
        check_size(content, opcodes - 1)


def test_a_bomb_is_reported_by_name() -> None:
    with pytest.raises(FormatError) as caught:
        unpickle(BOMBS["bytes(n)"], "x.pkl")
    assert str(caught.value) == (
        "x.pkl: the pickle calls builtins.bytes(int), which plain containers, numbers and numpy arrays do "
        "not need; it was not run"
    )
    with pytest.raises(
        FormatError, match="has 9 bytes and an object of the number 268435456; it was not run"
    ):
        unpickle(BOMBS["a large number in the memo"])


@pytest.mark.parametrize(
    "forged",
    [
        _array((1,), _dtype("S8", None, None, None, 8, 1, 0x3F), b"x" * 8),  # claims to hold objects
        _array((1,), np.dtype([("a", "f8")]), b"x" * 8),
        _array((1,), np.dtype("O"), [1]),
        _Acts(np.float64(0).__reduce__()[0], np.dtype("f8"), b"short"),
    ],
)
def test_no_array_is_other_than_its_bytes(forged: object) -> None:
    try:
        found = unpickle(pickle.dumps(forged))
    except FormatError:
        return
    assert found.tolist() == [b"x" * 8]  # the claim has no effect
    assert not found.dtype.hasobject


def test_what_is_allowed_cannot_be_changed() -> None:
    for name in (b"builtins\nlist", b"numpy\nndarray", b"numpy\ndtype", b"collections\nOrderedDict"):
        with pytest.raises(FormatError, match=r"the pickle changes .*; it was not run"):
            unpickle(b"c" + name + b"\n(N(S'_build'\nI1\ndtb.")


def test_byte_orders_and_python_2_containers_come_back() -> None:
    for kind in (">f8", "<i4", "u1", ">U3", "S4", "?", "c16"):
        array = np.array([0, 1, 1]).astype(kind)
        found = unpickle(pickle.dumps([array, array[::2]], 4))
        assert found[0].dtype == array.dtype.newbyteorder("=")  # as numpy does
        assert [part.tolist() for part in found] == [array.tolist(), array[::2].tolist()]
    ordered = b"ccollections\nOrderedDict\n((lp1\n(lp2\nS'a'\naI1\naatR."
    assert unpickle(ordered) == collections.OrderedDict(a=1)
    assert unpickle(pickle.dumps([1j, frozenset({2}), b""], 2)) == [1j, frozenset({2}), b""]
    filled = unpickle(pickle.dumps(collections.defaultdict(list)))
    assert filled["x"] == []


def test_nothing_is_run_before_the_refusal(tmp_path: Path) -> None:
    target = tmp_path / "made"
    with pytest.raises(FormatError, match=r"names pathlib\.\w+"):
        unpickle(pickle.dumps(_Acts(Path.touch, target)))
    assert not target.exists()


def test_names_with_dots_do_not_reach_attributes_of_what_is_allowed() -> None:
    evil = b"\x80\x04\x8c\x08builtins\x8c\x0cdict.__doc__\x93."
    with pytest.raises(FormatError, match=r"names builtins\.dict\.__doc__"):
        unpickle(evil)


def test_a_reference_to_the_outside_is_refused() -> None:
    with pytest.raises(FormatError, match="refers to the outside object 'storage'"):
        unpickle(b"Pstorage\n.")


@pytest.mark.parametrize("damaged", [b"", b"no pickle", pickle.dumps(list(range(9)))[:-3]])
def test_damage_is_an_error_of_ours(damaged: bytes) -> None:
    with pytest.raises(FormatError, match=r"^x\.pkl is not a readable pickle: "):
        unpickle(damaged, "x.pkl")


def _torch_file(data: object, *members: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for member in members or ("archive/data.pkl",):
            archive.writestr(member, pickle.dumps(data, 2))
        archive.writestr("archive/version", "3\n")
    return stream.getvalue()


def test_a_torch_file_of_plain_data_needs_no_torch() -> None:
    assert unpickle_torch(_torch_file([1.5, 2.5])) == [1.5, 2.5]


def test_a_torch_file_is_not_unpacked_beyond_the_limit() -> None:
    with pytest.raises(FormatError, match=r"^big\.pt unpacks to \d+ bytes, more than the limit of 1000$"):
        unpickle_torch(_torch_file("x" * 5000), "big.pt", limit=1000)


def test_a_torch_file_has_exactly_one_pickle() -> None:
    with pytest.raises(FormatError, match=r"has 2 members \*/data\.pkl"):
        unpickle_torch(_torch_file([], "a/data.pkl", "b/data.pkl"))
    with pytest.raises(FormatError, match=r"^x\.pt is not a readable torch file: "):
        unpickle_torch(b"not a zip", "x.pt")
