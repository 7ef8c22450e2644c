"""YAHPO Gym's NAS-Bench-301: cells of the DARTS space on CIFAR-10, over the epochs."""

from __future__ import annotations

from dataclasses import replace

from blackbox_repo.schema import Fidelity
from blackbox_repo.store.manifest import Defect, TuningDefaults
from conversion_scripts.readers.onnx_network import Columns
from conversion_scripts.recipes.shared.yahpo import ELAPSED, Scenario, make_recipe, network_card, surrogate

_DARTS = "NetworkSelectorDatasetInfo_COLON_darts_COLON_"
_CELLS = ("normal", "reduce")
SCENARIO = Scenario(
    name="nb301",
    sha256=(
        "3135c6f8347f491fd31e8fa7a5e9607ea926c9a8558a6a21a1419d55a01884f2",
        "b16bb8db9aa5a9b688cd97e782643abe96bd166baa445675f57cbcf5e6128a98",
        "",
    ),
    # yahpo_gym/benchmarks/nb301.py
    columns=Columns(
        categorical=(
            *(f"{_DARTS}edge_{cell}_{k}" for cell in _CELLS for k in range(14)),
            *(f"{_DARTS}inputs_node_{cell}_{k}" for cell in _CELLS for k in (3, 4, 5)),
        ),
        numeric=("epoch",),
        outputs=("val_accuracy", "runtime"),
    ),
    fidelity=Fidelity("epoch", tuple(range(1, 99))),
    bounds=(1, 98),
    objectives=(
        surrogate("val_accuracy", "max", "%", "on the validation images"),
        surrogate(ELAPSED, "min", "s", "training and scoring"),
    ),
    target="val_accuracy",
    time="runtime",
    task=None,
    only="CIFAR10",
    called="data set",
)
CARD = (
    *network_card(tolerance="as those of the other scenarios do, which could not be measured here"),
    Defect(
        "its time goes backwards along some curves",
        "elapsed_time rises by a millisecond at least: E[0] = 0, E[f] = max(E[f - 1] + 0.001 s, runtime[f])",
    ),
)
NB301 = make_recipe(
    SCENARIO,
    title="NAS-Bench-301: surrogate of convolutional cells of the DARTS space on CIFAR-10, 98 epochs",
    training_runs=(
        "Arber Zela, Julien Niklas Siems, Lucas Zimmer, Jovita Lukasik, Margret Keuper and Frank Hutter. "
        "Surrogate NAS Benchmarks: Going Beyond the Limited Search Spaces of Tabular NAS Benchmarks. "
        "International Conference on Learning Representations (ICLR), 2022."
    ),
    card=CARD,
    default=TuningDefaults(workers=8, seconds=7 * 86_400.0),
)
RECIPES = (replace(NB301, other_names=("nasbench301",)),)
