"""NAS-Bench-201: learning curves of all 15,625 cells, trained for 200 epochs and for 12.

They are the topology space of NATS-Bench; the results after 200 epochs alone are the blackbox
``nasbench201-final``. Dong and Yang, ICLR 2020; https://github.com/D-X-Y/NATS-Bench
"""

from __future__ import annotations

from blackbox_repo.families.nasbench201 import configuration_of
from blackbox_repo.store.manifest import Defect
from conversion_scripts.recipes.shared import nats_bench
from conversion_scripts.recipes.shared.nasbench201_cell import SPACE, count_weights

CARD = (
    Defect(
        "in the training of 200 epochs 8,169 architectures have the seeds 777, 888 and 999, and 7,456 have "
        "two of them; in that of 12 epochs the seed is 111, and 777 besides on cifar10-valid",
        "missing seeds stay missing",
    ),
    Defect(
        "in the training of 200 epochs validation and test accuracies are there for the last epoch only, but "
        "for validation on cifar10-valid and test on cifar10",
        "NaN before; the target on cifar100 and ImageNet16-120 is valtest_accuracy, which has all epochs, "
        "though it looks at test images too",
    ),
    Defect(
        "the records' counts of weights are those of another cell for 150 architectures (as another source "
        "has them, see nasbench201-final)",
        "parameters is computed from the architecture; flops and latency are the records', and may be of the "
        "other cell there",
    ),
    *nats_bench.COMMON_CARD,
)
RECORDS = nats_bench.Records(
    nats_bench.records_file("NATS-tss-v1_0-3ffb9", about=1_100_000_000),
    SPACE,
    configuration_of,
    citation=(
        "Xuanyi Dong and Yi Yang. NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture "
        f"Search. International Conference on Learning Representations (ICLR), 2020. {nats_bench.PAPER}"
    ),
    card=CARD,
    count_weights=count_weights,
    other_names=("NATS-Bench", "NATS-tss", "NB201"),
)
RECIPES = (
    nats_bench.make_recipe(
        RECORDS,
        "nasbench201",
        title="NAS-Bench-201: all 15,625 cells, 200 epochs",
        epochs=200,
        seconds=200_000.0,
    ),
    nats_bench.make_recipe(
        RECORDS,
        "nasbench201-hp12",
        title="NAS-Bench-201: all 15,625 cells, the training of 12 epochs",
        epochs=12,
        seconds=12_000.0,
    ),
)
