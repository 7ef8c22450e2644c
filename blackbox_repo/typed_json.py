"""JSON from outside: parsed strictly and converted to a type; errors name the key, the value and the rule."""

from __future__ import annotations

import json
import math
import re
import reprlib
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from blackbox_repo.errors import FormatError

DEEPEST = 64
"""How deep arrays and objects may be nested; our own files need less than ten levels."""
LARGEST = 1 << 28
"""The largest file that is read, in bytes."""
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_STEPS = re.compile(r"\.([^.\[\]]+)|\[(\d+|\.\.\.)\]")
_LONG_NUMBER = re.compile(r"[0-9]{309}")
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_T = TypeVar("_T")


def read(path: Path, kind: type[_T]) -> _T:
    """The content of a JSON file as a value of that type.

    Raises:
        FormatError: It is no regular file or too large, or :func:`decode` refuses its content.
        OSError: It cannot be opened.
    """
    return decode(read_regular(path), kind, path)


def read_regular(path: Path, most: int = LARGEST) -> bytes:
    """The bytes of a regular file; pipes and devices, which need not end, are not opened.

    Raises:
        FormatError: It is something else, or larger than ``most`` bytes.
        OSError: It cannot be opened.
    """
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise FormatError(f"{path} is not a regular file")
    with path.open("rb") as file:
        content = file.read(min(found.st_size, most) + 1)  # room for so much is made at once
    if len(content) > most:
        raise FormatError(f"{path} is larger than the {most} bytes that are read of such a file")
    return content


def decode(content: str | bytes, kind: type[_T], path: Path | str) -> _T:
    """A JSON text as a value of that type: a ``msgspec.Struct``, a dataclass, ``dict[str, int]``, and so on.

    Keys that a dataclass does not have are refused, and so are those that a struct does not have if it is
    declared with ``forbid_unknown_fields=True``.

    Args:
        content: The text; bytes are UTF-8.
        kind: What msgspec can convert to.
        path: The file, or another name of the text, for messages.

    Raises:
        FormatError: :func:`parse` or :func:`convert` refuses it.
    """
    return convert(parse(content, path), kind, path)


def parse(content: str | bytes, path: Path | str) -> Any:
    """A JSON text as dicts, lists and scalars.

    Raises:
        FormatError: It is no JSON, or has a key twice in an object, a number that is not finite or larger
            than any float, text that is not Unicode, or arrays and objects in one another more than
            ``DEEPEST`` deep.
    """
    try:
        text = content if isinstance(content, str) else content.decode()
        _check_depth(text)
        whole = _whole_number if _LONG_NUMBER.search(text) else None
        data = json.loads(
            text,
            object_pairs_hook=_refuse_doubles,
            parse_constant=_number,
            parse_float=_number,
            parse_int=whole,
        )
        if _LONE_SURROGATE.search(text):  # or the half of a pair
            json.dumps(data, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as err:
        raise FormatError(f"{path} is not proper JSON: {err}") from err
    return data


def convert(data: Any, kind: type[_T], path: Path | str) -> _T:
    """Parsed JSON as a value of that type.

    Raises:
        FormatError: Something in it has another type, is missing, or breaks a rule of the type; the message
            names its key, its value and the rule.
    """
    import msgspec  # takes longer to import than most things that need no JSON

    try:
        value = msgspec.convert(data, kind)
    except msgspec.ValidationError as err:
        raise FormatError(f"{path} is malformed: {_explain(str(err), data, kind)}") from err
    unknown = _unknown_key(data, value)
    if unknown:
        raise FormatError(f"{path} is malformed: {unknown.removeprefix('.').removeprefix(': ')}")
    return value


def check_format(data: Any, newest: int, where: Path | str) -> None:
    """Refuse an object whose ``format`` is no number, or newer than this code.

    Args:
        data: Parsed JSON.
        newest: The newest format that this code reads.
        where: The file, for messages.

    Raises:
        FormatError: It is.
    """
    found = data.get("format") if isinstance(data, dict) else None
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise FormatError(f"{where} is malformed: it has no integer 'format'")
    if found > newest:
        raise FormatError(
            f"{where} has format {reprlib.repr(found)}, but this version of blackbox-repo reads up to "
            f"{newest}; upgrade with: pip install --upgrade blackbox-repo"
        )


def _unknown_key(data: Any, value: Any) -> str:
    """The place of a key that the dataclass made of an object lacks, which msgspec ignores; empty if none."""
    known = getattr(value, "__dataclass_fields__", data)
    for step, key, part, inner in _parts(data, value):
        if isinstance(data, dict) and key not in known:
            return f": object contains unknown field {key}"
        found = _unknown_key(part, inner)
        if found:
            return f"{step}{found}"
    return ""


def _parts(data: Any, value: Any) -> Iterator[tuple[str, Any, Any, Any]]:
    """The parts of an object or a list: the step to each, its key, its JSON, and what was made of it."""
    if isinstance(data, list) and isinstance(value, list | tuple):
        for index, (part, inner) in enumerate(zip(data, value, strict=False)):
            yield f"[{index}]", index, part, inner
    elif isinstance(data, dict):
        keyed = isinstance(value, dict)
        for key, part in data.items():
            inner = value[key] if keyed else getattr(value, key, None)
            yield f"[{key!r}]" if keyed else f".{key}", key, part, inner


def _check_depth(text: str) -> None:
    """Refuse arrays and objects that are nested too deep, in time and memory in proportion to the text."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    brackets = _brackets(text)
    for _ in range(DEEPEST):
        brackets = brackets.replace("[]", "")
    if brackets:
        raise ValueError(f"arrays and objects are nested more than {DEEPEST} deep, or not closed")


def _brackets(text: str) -> str:
    """The brackets and braces of a JSON text, all as brackets, without those in strings."""
    without_escapes = text.replace("\\\\", "").replace('\\"', "")
    outside = "".join(without_escapes.split('"')[::2])
    return _NO_BRACKETS.sub("", outside).replace("{", "[").replace("}", "]")


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        double = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {reprlib.repr(double)} occurs twice in one object")
    return found


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{reprlib.repr(text)} is not a finite number")
    return number


def _whole_number(text: str) -> int:
    _number(text)  # an integer that no float can hold would end in an overflow somewhere
    return int(text)


def _explain(message: str, data: Any, kind: Any) -> str:
    """A message of msgspec, with the key and the value added."""
    rule, _, place = message.partition(" - at `")
    steps = _STEPS.findall(place.rpartition("$")[2].rstrip("`"))
    keys: list[str | int] = []
    value = data
    for field, index in steps:
        key = field or (int(index) if index != "..." else _find_cause(message, data, keys, kind))
        keys.append(key)
        value = value[key]
    name = "".join(f"[{key!r}]" if index else f".{key}" for key, (_, index) in zip(keys, steps, strict=True))
    shown = "" if isinstance(value, dict | list) else f" = {reprlib.repr(value)}"
    rule = rule[:1].lower() + rule[1:].replace("`", "")
    return f"{name.removeprefix('.')}{shown}: {rule}" if name else rule


def _find_cause(message: str, data: Any, keys: list[str | int], kind: Any) -> str:
    """The key in the object at ``keys`` whose entry causes the message, found by bisection."""
    candidates = list(_at(data, keys))
    while len(candidates) > 1:
        half = candidates[: len(candidates) // 2]
        fails = _message(_keep_only(data, keys, half), kind) == message
        candidates = half if fails else candidates[len(half) :]
    return str(candidates[0])


def _at(data: Any, keys: list[str | int]) -> Any:
    for key in keys:
        data = data[key]
    return data


def _keep_only(data: Any, keys: list[str | int], kept: list[Any]) -> Any:
    """The data with no other entries than ``kept`` in the object at ``keys``."""
    if not keys:
        return {key: data[key] for key in kept}
    inner = _keep_only(data[keys[0]], keys[1:], kept)
    if isinstance(data, dict):
        return {**data, keys[0]: inner}
    return [*data[: keys[0]], inner, *data[int(keys[0]) + 1 :]]


def _message(data: Any, kind: Any) -> str:
    import msgspec

    try:
        msgspec.convert(data, kind)
    except msgspec.ValidationError as err:
        return str(err)
    return ""
