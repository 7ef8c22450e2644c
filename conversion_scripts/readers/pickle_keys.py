"""The work that the keys of a pickle's dicts and sets make: small keys, of which few have the same hash.

Thirty tuples, each of them twice in the next, take minutes to be hashed; a hundred thousand integers that
leave the same remainder, or the ones and twos below zero in tuples, take as long to be told apart.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from blackbox_repo.errors import FormatError

KEY_LIMIT = 64  # objects in one key; of an integer, every 64 bits count as one
FEW = 64  # keys that may all have the same hash, and of those in a larger container so many in all


class Keys:
    """The keys of the containers that are being filled."""

    def __init__(self) -> None:
        self._hashes: dict[int, tuple[Collection[Any], set[int]]] = {}  # by the identity of the container

    def admit(self, container: Collection[Any], keys: Sequence[Any]) -> None:
        """Check keys before they go into a container.

        Raises:
            FormatError: A key is too large, or too many of the container's have the same hashes.
        """
        for key in keys:
            if _weight(key) > KEY_LIMIT:
                raise FormatError(f"the pickle has a key of more than the {KEY_LIMIT} objects that are read")
        if len(container) + len(keys) > FEW:
            self._count(container, keys)

    def forget(self) -> None:
        """Let go of the containers; those that grow on are looked at anew."""
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
    """How many objects are in a key, counted until there are too many."""
    count, left = 0, [key]
    while left and count <= KEY_LIMIT:
        count, item = count + 1, left.pop()
        if type(item) is tuple:
            left += item[: KEY_LIMIT + 1]
        elif isinstance(item, int):
            count += item.bit_length() // 65
    return count
