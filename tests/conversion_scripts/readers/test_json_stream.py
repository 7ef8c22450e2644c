from __future__ import annotations

import io
import json
import math
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blackbox_repo.errors import FormatError
from conversion_scripts.readers import json_stream
from conversion_scripts.readers.json_stream import inner_objects

values = st.lists(st.floats(allow_nan=False) | st.text(max_size=5) | st.booleans() | st.none(), max_size=5)
leaves = st.dictionaries(st.text(max_size=5), values, max_size=3)
trees = st.dictionaries(
    st.text(max_size=5), st.dictionaries(st.text(max_size=5), leaves, max_size=3), max_size=3
)


def read(text: str, depth: int = 2, limit: int = 1000) -> list[tuple[tuple[str, ...], object]]:
    return list(inner_objects(io.BytesIO(text.encode()), "x.json", depth, limit))


@settings(max_examples=40)
@given(trees, st.sampled_from([None, 1]), st.booleans(), st.sampled_from([5, 40, 1 << 20]))
def test_it_reads_what_json_reads(tree: dict, indent: int | None, escaped: bool, piece: int) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=escaped)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(json_stream, "_PIECE", piece)
        assert read(text, limit=len(text)) == [
            ((outer, inner), value) for outer, values in tree.items() for inner, value in values.items()
        ]


def test_nan_and_infinity_are_read_as_python_writes_them() -> None:
    ((_, value),) = read('{"a": {"b": [NaN, -Infinity, true]}}')
    assert isinstance(value, list)
    assert math.isnan(value[0])
    assert value[1:] == [-math.inf, True]


def test_one_level_and_arrays() -> None:
    assert read(' {"a" :[1] , "b":{}} \n', depth=1) == [(("a",), [1]), (("b",), {})]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.json has the end at character 0 where '{' should be"),
        ("[]", "x.json has '[' at character 0 where '{' should be"),
        ('{"a": 1}', "x.json has '1' at character 6 where '{' should be"),
        ('{"a": {"b": 1}}', "x.json has '1' at character 12 where '{' or '[' should be"),
        ('{"a": {"b": {}}', "x.json has the end at character 15 where ',' or '}' should be"),
        ('{"a": {"b": {}}} 2', "x.json has '2' at character 17 where the end should be"),
        (
            '{"a": {"b": {"c": ]}}}',
            "x.json is not readable as JSON: Expecting value at character 18",
        ),
        ('{"a": {"b": {"c": 1', "x.json is not readable as JSON: Expecting ',' delimiter at character 19"),
    ],
)
def test_what_is_wrong_is_reported_with_its_place(text: str, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(text)
    assert str(caught.value) == message


def test_bytes_that_are_no_text_are_an_error_of_ours() -> None:
    with pytest.raises(FormatError, match=r"^x\.json is not readable as JSON: 'utf-8' codec"):
        list(inner_objects(io.BytesIO(b'{"\xff'), "x.json", 2))


def test_one_value_at_a_time_is_in_memory() -> None:
    value = json.dumps({"log": [0.123456789] * 5000})
    stream = io.BytesIO(b'{"a": {"0": {}' + 100 * f', "1": {value}'.encode())  # 7 MB
    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="has the end at character"):
            for _ in inner_objects(stream, "x.json", 2):
                pass
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_a_value_without_end_is_refused() -> None:
    stream = io.BytesIO(b'{"a": {"0": [1' + b",1" * 10_000_000)
    with pytest.raises(FormatError, match="has a value of more than the limit of 1048576 characters$"):
        list(inner_objects(stream, "x.json", 2, limit=1 << 20))
    assert stream.tell() < 8 << 20


def test_a_value_nested_beyond_reading_is_an_error_of_ours() -> None:
    with pytest.raises(FormatError, match=r"^x is not readable as JSON: .*recursion"):
        list(inner_objects(io.BytesIO(b'{"a": ' + b"[" * 100_000), "x", 1))
