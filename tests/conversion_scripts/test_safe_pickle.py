from __future__ import annotations

import collections
import io
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from blackbox_repo.errors import FormatError
from conversion_scripts.safe_pickle import unpickle, unpickle_torch


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
    with pytest.raises(FormatError, match=r"^x\.pkl is no readable pickle: "):
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
    with pytest.raises(
        FormatError, match=r"^big\.pt unpacks to \d+ bytes, more than the 1000 that are read$"
    ):
        unpickle_torch(_torch_file("x" * 5000), "big.pt", limit=1000)


def test_a_torch_file_has_exactly_one_pickle() -> None:
    with pytest.raises(FormatError, match=r"has 2 members \*/data\.pkl"):
        unpickle_torch(_torch_file([], "a/data.pkl", "b/data.pkl"))
    with pytest.raises(FormatError, match=r"^x\.pt is no readable torch file: "):
        unpickle_torch(b"not a zip", "x.pt")
