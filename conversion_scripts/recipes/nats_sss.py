"""NATS-Bench, size search space: learning curves of a network with all 32,768 choices of its channels.

Dong, Liu, Musial and Gabrys 2021, https://github.com/D-X-Y/NATS-Bench
"""

from __future__ import annotations

from blackbox_repo.domains import Ordinal
from blackbox_repo.space import Space
from blackbox_repo.store.manifest import Defect
from conversion_scripts.recipes.shared import nats_bench

CARD = (
    Defect(
        "the training of 90 epochs has the seed 777 alone, that of 12 epochs 777, 888 and 999; there is one "
        "of a single epoch too",
        "missing seeds stay missing; the single epoch is left out",
    ),
    *nats_bench.COMMON_CARD,
)


def _parse(architecture: str) -> dict[str, int]:
    channels = map(int, architecture.split(":"))
    return {f"channels_{layer}": count for layer, count in enumerate(channels, start=1)}


RECORDS = nats_bench.Records(
    nats_bench.records_file("NATS-sss-v1_0-50262"),
    Space({f"channels_{layer}": Ordinal(tuple(range(8, 65, 8))) for layer in range(1, 6)}),
    _parse,
    citation=nats_bench.PAPER,
    card=CARD,
    other_names=("NATS-Bench",),
)
RECIPES = (
    nats_bench.make_recipe(
        RECORDS,
        "nats-sss",
        title="NATS-Bench: all 32,768 sizes of a network, 90 epochs",
        epochs=90,
        seconds=100_000.0,
    ),
    nats_bench.make_recipe(
        RECORDS,
        "nats-sss-hp12",
        title="NATS-Bench: all 32,768 sizes of a network, the training of 12 epochs",
        epochs=12,
        seconds=12_000.0,
    ),
)
