"""Limit the memory that a pickle takes, by the number of its opcodes and the numbers of its objects."""

from __future__ import annotations

import pickle
import pickletools

from blackbox_repo.errors import FormatError

OPCODES_LIMIT = 1 << 24
# opcode -> its size in bytes with its argument; -1 or 0 if the argument itself says how long it is
_FIXED = [0] * 256
_COUNTED: dict[int, int] = {}  # opcode -> the size in bytes of the length that precedes its argument
_LINES: dict[int, int] = {}  # opcode -> the number of lines in its argument
for _opcode in pickletools.opcodes:
    _argument, _code = _opcode.arg, ord(_opcode.code)
    if _argument is None or _argument.n >= 0:
        _FIXED[_code] = 1 if _argument is None else 1 + _argument.n
    elif _argument.n == pickletools.UP_TO_NEWLINE:
        _LINES[_code] = 2 if "pair" in _argument.name else 1
    else:
        _COUNTED[_code] = {
            pickletools.TAKEN_FROM_ARGUMENT1: 1,
            pickletools.TAKEN_FROM_ARGUMENT4: 4,
            pickletools.TAKEN_FROM_ARGUMENT4U: 4,
            pickletools.TAKEN_FROM_ARGUMENT8U: 8,
        }[_argument.n]
_PUT, _LONG_PUT, _STOP = (ord(code) for code in (pickle.PUT, pickle.LONG_BINPUT, pickle.STOP))
_FIXED[_LONG_PUT] = _FIXED[_STOP] = 0  # looked at, not skipped
for _code, _width in _COUNTED.items():
    _FIXED[_code] = -1 if _width == 1 else 0


def check_size(content: bytes, limit: int = OPCODES_LIMIT) -> None:
    """Walk over a pickle without running it, and refuse one that would take memory out of proportion.

    A pickle of seven bytes that gives an object the number 2**32 - 1 would take 64 GiB. So would a pickle of
    a gigabyte in which each byte makes an empty list, and which compresses to a megabyte.

    Args:
        content: The pickle.
        limit: The largest number of opcodes that it may have; each makes at most one object.

    Raises:
        FormatError: The pickle has more opcodes, or gives an object a number above its own size in bytes.
    """
    at, end, fixed = 0, len(content), _FIXED
    for _ in range(limit):  # a tight loop, as a benchmark may have a thousand million opcodes
        if at >= end:
            return
        size = fixed[content[at]]
        if size > 0:
            at += size
        elif size < 0 and at + 1 < end:
            at += 2 + content[at + 1]
        elif (size := _COUNTED.get(content[at], 0)) > 0:
            at += 1 + size + int.from_bytes(content[at + 1 : at + 1 + size], "little")
        else:
            at = _next_opcode(content, at)
    if at < end:
        raise FormatError(f"the pickle has more than the limit of {limit} opcodes; it was not run")


def _next_opcode(content: bytes, at: int) -> int:
    """The position of the opcode after this one; the end if there is none, or if this is not an opcode."""
    code = content[at]
    if code == _LONG_PUT:
        _check_number(int.from_bytes(content[at + 1 : at + 5], "little"), len(content))
        return at + 5
    if code not in _LINES:
        return len(content)
    start = at + 1
    for _ in range(_LINES[code]):
        start = content.find(b"\n", start) + 1 or len(content)
    if code == _PUT:
        _check_number(int(content[at + 1 : start]), len(content))
    return start


def _check_number(number: int, limit: int) -> None:
    if number > limit:
        raise FormatError(
            f"the pickle has {limit} bytes and an object of the number {number}; it was not run"
        )
