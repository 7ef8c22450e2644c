"""A digest of many draws of every kind; python tests/drawn.py prints it.

It is the same on every machine, whatever the processor, the version of numpy and the C library.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from blackbox_repo import Categorical, Condition, Float, Integer, Ordinal, Space
from blackbox_repo.keyed_random import Stream
from blackbox_repo.permutation import Permutation
from blackbox_repo.sampling import Sampler
from simulator.schedulers.neighbours import Neighbours
from simulator.settings.distributions import Exponential, LogNormal, Uniform

MIXED = Space(
    {
        "kind": Categorical(("a", "b", "c")),
        "lr": Float(1e-5, 0.3, log=True),
        "wide": Float(1e-300, 1e300, log=True),
        "share": Float(-0.7, 1.9),
        "units": Integer(16, 5000, log=True),
        "depth": Integer(-3, 40),
        "huge": Integer(1, 10**22, log=True),
        "size": Ordinal((0.1, 0.5, 1)),
    },
    {"share": (Condition("kind", ("a", "b")),)},
)
FINITE = Space({"k": Categorical(("a", "b")), "n": Integer(1, 300, log=True), "m": Integer(0, 20)})
PLAIN = Space({"a": Integer(0, 999), "b": Categorical(tuple("abcde"))})


def drawn() -> Iterator[Any]:
    """What is digested, piece by piece."""
    stream = Stream(np.int64(7), "drawn", 0.1, None, True)
    yield stream.block(0, 1000).tolist()
    yield [stream.unit(trial, segment) for trial in range(50) for segment in range(5)]
    yield [stream.integer(count, 3) for count in (1, 7, 2**31, 2**40, 10**30)]
    yield MIXED.samples(0, "block", 0, count=20_000)
    yield [MIXED.sample(0, "single", number) for number in range(500)]
    for space in (FINITE, PLAIN):
        yield Sampler(space, 3, "finite").take(5000)
    yield [Permutation(size, "order").block(0, 300) for size in (10, 1000, 10**6, 10**40)]
    positions = stream.units(0, 3000).tolist()
    for distribution in (Uniform(0.5, 3.7), Exponential(10.0, 0.1), LogNormal(3.0, 0.7)):
        yield [distribution.at(position) for position in positions]
    neighbours = Neighbours(MIXED)
    start = MIXED.completed({})
    yield [neighbours.perturb(start, 0.3, "perturbed", number) for number in range(200)]
    yield [neighbours.mutate(start, "mutated", number) for number in range(200)]
    yield neighbours.around(start, "around", 0)


def digest() -> str:
    """SHA-256 of all of it as JSON."""
    hashed = hashlib.sha256()
    for piece in drawn():
        hashed.update(json.dumps(piece).encode())
    return hashed.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(f"{digest()}\n")
