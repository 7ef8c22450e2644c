"""The schedulers of HPO libraries of which docs/schedulers.md says how a fixed run of them went."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CURVES = "yahpo-lcbench/167200"
ARCHITECTURES = "nasbench-macro/cifar10"


@dataclass(frozen=True)
class Fixed:
    """A scheduler, and on what it is run.

    Args:
        scheduler: As on the command line.
        settings: Passed to the factory of the scheduler.
        blackbox: One that is embedded, and its task; what has no time takes a minute for each point.
        trials: How many are started.
    """

    scheduler: str
    settings: dict[str, Any] = field(default_factory=dict)
    blackbox: str = CURVES
    trials: int = 40


@dataclass(frozen=True)
class Library:
    """What is installed, tested and run.

    Args:
        package: Its name on PyPI.
        schedulers: Those that are run.
        extra: The extra of pyproject.toml that installs it.
        also: More that its schedulers need; what is named here replaces what the extra says of it.
    """

    package: str
    extra: str
    schedulers: tuple[Fixed, ...]
    also: tuple[str, ...] = ()

    @property
    def tests(self) -> str:
        """The beginning of its tests' names."""
        return f"test_{self.extra.replace('-', '_')}"


LIBRARIES = {
    "optuna": Library(
        "optuna",
        "optuna",
        (
            Fixed("optuna:TPESampler", {"pruner": "HyperbandPruner"}),
            Fixed("optuna:CmaEsSampler"),
            Fixed("optuna:NSGAIISampler", {"objectives": ["val_accuracy", "test_cross_entropy"]}),
        ),
    ),
    "syne-tune": Library(
        "syne-tune",
        "syne-tune",
        (
            Fixed("syne-tune:ASHA"),
            Fixed("syne-tune:BOHB", trials=120),  # its model is asked after some dozens
            Fixed("syne-tune:BORE"),
            Fixed("syne-tune:CQR"),
            Fixed("syne-tune:ASHACQR"),
            Fixed("syne-tune:PopulationBasedTraining", {"settings": {"perturbation_interval": 5}}),
        ),
        also=("scikit-learn", "statsmodels", "xgboost"),
    ),
    # the last one with schedulers that pause; it wants numpy 1, with which the newest pyarrows do not load
    "syne-tune-0.13": Library(
        "syne-tune",
        "syne-tune",
        (
            Fixed("syne-tune:ASHA"),
            Fixed("syne-tune:HyperbandScheduler", {"settings": {"type": "promotion"}}),
            Fixed("syne-tune:PASHA"),
            Fixed("syne-tune:BORE"),
            Fixed("syne-tune:KDE", trials=120),
            Fixed("syne-tune:DEHB"),
            Fixed("syne-tune:PopulationBasedTraining", {"settings": {"perturbation_interval": 5}}),
        ),
        also=("syne-tune[gpsearchers]==0.13.0", "scikit-learn", "statsmodels", "xgboost"),
    ),
    "ray": Library(
        "ray",
        "ray",
        (
            Fixed("ray:AsyncHyperBandScheduler"),
            Fixed("ray:HyperBandScheduler", {"num_samples": 40}),
            Fixed(
                "ray:PopulationBasedTraining", {"num_samples": 8, "settings": {"perturbation_interval": 5}}
            ),
        ),
        also=("hyperopt", "optuna", "scikit-learn"),  # searchers and PB2, which are tested
    ),
    "ax": Library("ax-platform", "ax", (Fixed("ax:fast", trials=15), Fixed("ax:random_search"))),
    "smac": Library(
        "smac",
        "smac",
        (
            Fixed("smac:MultiFidelityFacade"),
            Fixed(
                "smac:HyperparameterOptimizationFacade",
                {"maximizer": {"challengers": 200, "local_search_iterations": 2}},  # ten times as quick
            ),
        ),
    ),
    "dehb": Library("dehb", "dehb", (Fixed("dehb:"), Fixed("dehb:", {"resume": True}))),
    "nevergrad": Library(
        "nevergrad",
        "nevergrad",
        (
            Fixed("nevergrad:NGOpt", {"budget": 40, "num_workers": 4}),
            Fixed("nevergrad:DE", {"num_workers": 4}),
        ),
    ),
    "hyperopt": Library("hyperopt", "hyperopt", (Fixed("hyperopt:tpe"), Fixed("hyperopt:anneal"))),
    "nni": Library(
        "nni",
        "nni",
        (
            Fixed("nni:TPE", {"assessor": "Medianstop"}),
            Fixed("nni:Evolution"),
            Fixed("nni:Anneal"),
            Fixed(
                "nni-nas:RegularizedEvolution",
                {"settings": {"population_size": 20, "sample_size": 5}},
                ARCHITECTURES,
                200,
            ),
            Fixed("nni-nas:TPE", {}, ARCHITECTURES, 200),
        ),
        also=("hyperopt",),
    ),
}
