from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.errors import FormatError, IntegrityError
from blackbox_repo.store.parts import GAP, Hashed, Part, Parts, Range, hashed, merged, read_parts, saves

CONTENT = bytes(range(256)) * 400


def part(*ranges: Range, name: str = "a part") -> Part:
    content = joined(ranges)
    return Part(name, ranges, len(content), hashlib.sha256(content).hexdigest())


def joined(ranges: Sequence[Range]) -> bytes:
    return b"".join(CONTENT[start:stop] for start, stop in ranges)


def parts(footer: int, rows: int, **objectives: int) -> Parts:
    return Parts(
        Hashed(footer, ""), Hashed(rows, ""), {name: Hashed(n, "") for name, n in objectives.items()}
    )


def test_neighbouring_parts_are_read_at_once_and_told_apart_again():
    asked: list[Sequence[Range]] = []

    def read(ranges: Sequence[Range]) -> list[bytes]:
        asked.append(ranges)
        return [CONTENT[start:stop] for start, stop in ranges]

    rows, loss = part((4, 10), (100, 110), (90_000, 90_007)), part((10, 50), (110, 150))
    assert read_parts([rows, loss], read, "a.parquet") == {
        rows: joined(rows.ranges),
        loss: joined(loss.ranges),
    }
    assert asked == [((4, 150), (90_000, 90_007))]


@given(st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 300))), st.integers(0, GAP))
def test_merged_ranges_hold_every_byte_of_the_others_and_lie_apart(pairs: list[Range], gap: int):
    ranges = [(start, start + size) for start, size in pairs]
    found = merged(ranges, gap)
    assert all(any(a <= start and stop <= b for a, b in found) for start, stop in ranges)
    assert all(after[0] > before[1] + gap for before, after in zip(found, found[1:], strict=False))
    assert {start for start, _ in found} <= {start for start, _ in ranges}
    assert {stop for _, stop in found} <= {stop for _, stop in ranges}


def test_a_range_that_was_cut_off_is_named():
    with pytest.raises(
        IntegrityError, match=r"^a.parquet is cut off: bytes 4 to 10 were 5 instead of 6; restore the file"
    ):
        read_parts([part((4, 10))], lambda ranges: [CONTENT[4:9]], "a.parquet")


def test_a_part_of_another_hash_is_named_and_not_used():
    wrong = Part("the column 'loss'", ((0, 3),), 3, "0" * 64)
    with pytest.raises(IntegrityError) as caught:
        read_parts([wrong], lambda ranges: [b"abc"], "a.parquet")
    message = str(caught.value)
    assert message.startswith("a.parquet is corrupted: the sha256 of the column 'loss' is ba7816bf8f01cfea41")
    assert f"but the manifest says {'0' * 64}; it was not used" in message


def test_parts_of_other_objectives_or_beyond_the_file_are_refused():
    parts(10, 20, loss=30).check(60, ["loss"])
    with pytest.raises(FormatError, match=r"^the parts have 60 bytes, but the file has 59$"):
        parts(10, 20, loss=30).check(59, ["loss"])
    with pytest.raises(
        FormatError, match=r"^there are parts of the objectives \['loss'\], but the objectives "
    ):
        parts(10, 20, loss=30).check(60, ["loss", "time"])


def test_parts_that_are_hardly_smaller_than_the_file_save_nothing():
    mega = 1 << 20
    assert saves(parts(1000, 1000, loss=mega // 2), mega, ["loss"])
    assert not saves(parts(1000, 1000, loss=mega * 4 // 5), mega, ["loss"])
    assert not saves(parts(1000, 1000, loss=10, score=mega * 4 // 5), mega, ["loss", "score"])
    assert not saves(parts(10, 10, loss=10), 1 << 17, ["loss"])  # a small file is one request


def test_a_hash_is_that_of_sha256sum():
    assert hashed(b"abc") == Hashed(3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
