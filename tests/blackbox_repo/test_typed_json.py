import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import process_time
from typing import Any

import msgspec
import pytest

from blackbox_repo import typed_json
from blackbox_repo.errors import FormatError


class Entry(msgspec.Struct, forbid_unknown_fields=True):
    rows: int
    best: dict[str, tuple[float, float]] = {}


class Page(msgspec.Struct):
    tasks: dict[str, Entry]
    listed: list[Entry] = []
    title: str = ""


@dataclass(frozen=True)
class Point:
    x: int | float
    near: tuple["Point", ...] = ()
    by: Mapping[str, "Point"] = field(default_factory=dict)
    free: Any = None


def refusal(text, kind=Page):
    with pytest.raises(FormatError) as caught:
        typed_json.decode(text, kind, "page.json")
    return str(caught.value)


def test_a_text_becomes_a_value_of_the_type():
    page = typed_json.decode(b'{"tasks": {"a": {"rows": 3}}, "unknown": 1}', Page, "page.json")
    assert page == Page(tasks={"a": Entry(rows=3)})


def test_whole_numbers_beyond_64_bits_stay_whole():
    assert typed_json.decode(str(2**70), int, "n") == 2**70


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"tasks": {"a": {"rows": 1}, "b.c": {"rows": "x"}}}', "tasks['b.c'].rows = 'x': expected int"),
        ('{"tasks": {"a": {"rows": 1, "best": {"y": [0, 1], "z": [0]}}}}', "tasks['a'].best['z']: expected"),
        ('{"tasks": {"a": {"rows": 1}, "b": {}}}', "tasks['b']: object missing required field rows"),
        ('{"tasks": {"a": {"rows": 1, "raws": 2}}}', "tasks['a']: object contains unknown field raws"),
        ('{"tasks": {}, "listed": [{"rows": 1}, {"rows": true}]}', "listed[1].rows = True: expected int"),
        ('{"tasks": {}, "title": null}', "title = None: expected str, got null"),
        ("[]", "expected object, got array"),
    ],
)
def test_what_is_wrong_is_named_with_its_key_value_and_rule(text, message):
    assert refusal(text).startswith(f"page.json is malformed: {message}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"x": 1, "z": 2}', "object contains unknown field z"),
        ('{"x": 1, "near": [{"x": 2}, {"x": 3, "z": 4}]}', "near[1]: object contains unknown field z"),
        ('{"x": 1, "by": {"a.b": {"x": 2, "z": 3}}}', "by['a.b']: object contains unknown field z"),
    ],
)
def test_keys_that_a_dataclass_does_not_have_are_refused_like_those_of_a_struct(text, message):
    assert refusal(text, Point) == f"page.json is malformed: {message}"


def test_a_dataclass_takes_its_own_keys_and_anything_where_anything_may_stand():
    text = '{"x": 1, "near": [{"x": 2.0}], "by": {"a": {"x": 3}}, "free": {"z": [{"y": 1}]}}'
    found = typed_json.decode(text, Point, "page.json")
    assert found == Point(1, (Point(2.0),), {"a": Point(3)}, {"z": [{"y": 1}]})


def test_the_guilty_one_of_many_entries_is_found_quickly():
    tasks = {f"t{k}": {"rows": k} for k in range(20_000)} | {"u": {"rows": "x"}}
    assert "tasks['u'].rows = 'x'" in refusal(msgspec.json.encode({"tasks": tasks}))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"tasks": {}, "tasks": {}}', "the key 'tasks' occurs twice in one object"),
        ('{"tasks": NaN}', "'NaN' is not a finite number"),
        ('{"tasks": -Infinity}', "'-Infinity' is not a finite number"),
        ('{"tasks": 1e999}', "'1e999' is not a finite number"),
        ('{"title": "\\ud800"}', "surrogates not allowed"),
        (b'{"title": "\xff"}', "invalid start byte"),
        ("[" * 65 + "]" * 65, "more than 64 deep"),
        ('{"a":' * 100_000, "more than 64 deep"),
        ("", "Expecting value"),
        ("\ufeff{}", "BOM"),
        ("9" * 5000, "is not a finite number"),
    ],
)
def test_what_is_no_proper_json_is_refused(text, message):
    assert message in refusal(text)


def test_brackets_in_strings_are_not_depth():
    assert typed_json.parse('["' + "[" * 1000 + '\\"[", "[[["]', "x") == ["[" * 1000 + '"[', "[[["]


def test_pairs_of_surrogates_are_text():
    assert typed_json.parse('"\\ud83d\\ude00"', "x") == "\U0001f600"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FormatError, match="is not a regular file"):
        typed_json.read(tmp_path / "pipe", Page)


def test_a_file_that_is_too_large_is_refused_before_all_is_read(tmp_path):
    (tmp_path / "file").write_bytes(b" " * 11)
    with pytest.raises(FormatError, match="larger than the 10 bytes"):
        typed_json.read_regular(tmp_path / "file", 10)


@pytest.mark.parametrize(
    "make",
    [
        lambda n: '"' + '\\"' * n + "[" * 100,
        lambda n: "[" + ",".join(['"\\\\\\""'] * n) + ",[]" * 100 + "]",
        lambda n: "{" + ",".join(f'"k{k}":0' for k in range(n)) + f',"k{n - 1}":0}}',
        lambda n: "[]" * n,
        lambda n: "][" * n,
        lambda n: "[" + "[]," * n + "0]",
        lambda n: '["' + "a" * n + '"' + ",[]" * 100 + "]",
    ],
)
def test_a_text_of_twice_the_length_takes_about_twice_the_time(make: Callable[[int], str]) -> None:
    def seconds(size: int) -> float:
        text, began = make(size), process_time()
        with suppress(FormatError):
            typed_json.parse(text, "page.json")
        return process_time() - began

    assert min(seconds(80_000) for _ in range(3)) < 5 * min(seconds(40_000) for _ in range(3)) + 0.05
