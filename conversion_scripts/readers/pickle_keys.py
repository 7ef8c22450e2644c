"""Limit the time that the keys of a pickle's dicts and sets take: keys are small, and few have the same hash.

Hashing thirty tuples of which each occurs twice in the next takes minutes. So does adding a hundred thousand
integers with the same remainder, or tuples of -1 and -2, because all of them have the same hash.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from blackbox_repo.errors import FormatError

KEY_LIMIT = 64  # objects in one key; every 64 bits of an integer count as one
FEW = 64  # keys of a container that may have the hash of another key in it


class Keys:
    """The keys of the containers that are being filled."""

    def __init__(self) -> None:
        self._hashes: dict[int, tuple[Collection[Any], set[int]]] = {}  # by the identity of the container

    def admit(self, container: Collection[Any], keys: Sequence[Any]) -> None:
        """Check keys before they are added to a container.

        Args:
            container: The dict or set.
            keys: The keys to be added.

        Raises:
            FormatError: A key is too large, or too many keys of the container have the same hash.
        """
        for key in keys:
            if _weight(key) > KEY_LIMIT:
                raise FormatError(f"the pickle has a key of more than the limit of {KEY_LIMIT} objects")
        if len(container) + len(keys) > FEW:
            self._count(container, keys)

    def forget(self) -> None:
        """Forget the containers; the hashes of one that still grows are computed anew."""
        self._hashes.clear()

    def _count(self, container: Collection[Any], keys: Sequence[Any]) -> None:
        if id(container) not in self._hashes:
            self._hashes[id(container)] = container, set(map(hash, container))
        _, hashes = self._hashes[id(container)]
        hashes.update(map(hash, keys))
        if len(container) + len(keys) - len(hashes) > FEW:
            raise FormatError(
                f"the pickle has more than {FEW} keys with the hashes of others in one container"
            )


def _weight(key: object) -> int:
    """The number of objects in a key; counting stops when there are too many."""
    count, left = 0, [key]
    while left and count <= KEY_LIMIT:
        count, item = count + 1, left.pop()
        if type(item) is tuple:
            left += item[: KEY_LIMIT + 1]
        elif isinstance(item, int):
            count += item.bit_length() // 65
    return count
