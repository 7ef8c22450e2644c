"""Fitting a surrogate to a table."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from blackbox_repo.blackbox import Blackbox
from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.scalars import whole
from blackbox_repo.schema import Schema
from blackbox_repo.space import Space
from blackbox_repo.surrogate.info import SurrogateInfo
from blackbox_repo.surrogate.model import Say
from blackbox_repo.surrogate.models import Fit, prepare, settle
from blackbox_repo.surrogate.noise import Noise, check_repeats
from blackbox_repo.surrogate.options import FitOptions
from blackbox_repo.surrogate.report import check_learnable
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox
from blackbox_repo.surrogate.training_data import TrainingData

DEFAULT = FitOptions()


def fit_surrogate(
    blackbox: Blackbox,
    model: Any = "forest",
    *,
    space: Space | None = None,
    seed: int = 0,
    options: FitOptions = DEFAULT,
    settings: Mapping[str, Any] | None = None,
) -> SurrogateBlackbox:
    """A model of a table, which predicts the learning curve of any configuration.

    Each configuration of the table counts with the mean over its seeds, and a run that diverged with the
    worst value at each fidelity (:mod:`blackbox_repo.surrogate.training_data`). The same arguments give the
    same predictions to the last bit, in any process, with any number of threads.

    Args:
        blackbox: A table.
        model: ``"forest"``, ``"knn"``, ``"extra_trees"``, ``"xgboost"``, or a regressor or pipeline of
            scikit-learn. All but ``"knn"`` need ``pip install 'blackbox-repo[surrogates]'`` to fit, but not
            to predict.
        space: Another space, such as ``blackbox.schema.space.continuous()``, in which configurations may have
            values between those of the table; by default that of the table.
        seed: What is drawn while fitting.
        options: What is learnt: merged or separate seeds, which objectives, from how many configurations.
        settings: Settings of the model by name.

    Returns:
        A blackbox that predicts every configuration of its space, those of the table, too;
        :func:`blackbox_repo.views.with_surrogate` looks these up.

    Raises:
        NotTabulated: The blackbox has no table.
        UnknownName: There is no such model or setting.
        InvalidOption: What the model needs is not installed; a setting or option is out of range; the space
            refuses a configuration of the table; or nothing can be learnt from the table, because its
            configurations differ in names alone.
    """
    return Fitting.of(blackbox, model, space=space, seed=seed, options=options, settings=settings).fit()


@dataclass(frozen=True)
class Fitting:
    """A surrogate that is about to be fitted; everything that can be checked at once has been.

    Args:
        blackbox: The table.
        model: The name of the model, or a foreign estimator.
        space: The space of the surrogate.
        seed: What is drawn.
        options: What is learnt.
        settings: The settings of the model.
        left_out: The numbers of configurations of the table that are not learnt from.
    """

    blackbox: Blackbox
    model: Any
    space: Space
    seed: int
    options: FitOptions
    settings: Mapping[str, Any]
    left_out: Collection[int] = ()

    @classmethod
    def of(
        cls,
        blackbox: Blackbox,
        model: Any = "forest",
        *,
        space: Space | None = None,
        seed: int = 0,
        options: FitOptions = DEFAULT,
        settings: Mapping[str, Any] | None = None,
    ) -> Fitting:
        """As :func:`fit_surrogate`, before anything is fitted."""
        if not isinstance(blackbox, Blackbox):
            raise InvalidOption(
                f"a surrogate is fitted to one task, such as load_blackbox(NAME)[TASK], not to a "
                f"{type(blackbox).__name__}"
            )
        blackbox.configurations()  # it says why there are none
        whole("seed", seed, 0)
        if options.objectives is not None:
            blackbox.schema.with_objectives(options.objectives)
        if not isinstance(space, Space | None):
            raise InvalidOption(f"space is {space!r}, but must be a Space, such as schema.space.continuous()")
        space = replace(blackbox.schema.space if space is None else space, candidates=None)
        model, settings, seed = settle(model, settings or {}, int(seed))
        fitting = cls(blackbox, model, space, seed, options, settings)
        fitting.prepared()
        if options.noise:
            check_repeats(blackbox)
        return fitting

    def prepared(self) -> tuple[Fit, dict[str, str]]:
        """What fits the model, and library -> its version."""
        return prepare(self.model, self.settings)

    @property
    def schema(self) -> Schema:
        """The schema of the surrogate."""
        schema = replace(self.blackbox.schema, space=self.space)
        names = self.options.objectives
        return schema if names is None else schema.with_objectives(names)

    def fit(self, say: Say = lambda step: None) -> SurrogateBlackbox:
        """Fit it.

        Args:
            say: Called with what is done now.
        """
        fit, versions = self.prepared()
        models, rows = {}, 0
        for name, seed in self._seeds():
            data = self.data(seed)
            check_learnable(data, repr(self.blackbox.name))
            rows = max(rows, len(data))
            models[name] = fit(data, self.schema, self.seed, say)
        info = SurrogateInfo(
            str(self.model) if isinstance(self.model, str) else type(self.model).__name__,
            self.seed,
            self.settings,
            self.options,
            versions,
            self.blackbox.digest(),
            rows,
            len(self.blackbox.configurations()),
        )
        described = f"{self.blackbox.name} | surrogate {info.model}"
        noise = Noise.learnt(self.blackbox, self.schema, data, self.seed) if self.options.noise else None
        return SurrogateBlackbox(self.schema, models, info, noise=noise, name=described)

    def data(self, seed: int | None = None) -> TrainingData:
        """What is learnt from, of all seeds or one."""
        data = TrainingData.of(
            self.blackbox,
            self.schema,
            seed=seed,
            max_samples=self.options.max_samples,
            draw=self.seed,
        )
        if self.left_out:
            data = data.take(np.flatnonzero(~np.isin(data.numbers, list(self.left_out))))
        if not len(data):
            which = "" if seed is None else f" with the seed {seed}"
            raise InvalidOption(
                f"{self.blackbox.name!r} has no training run{which} with a point to learn from"
            )
        target = self.schema.target
        if not np.isfinite(data.points[target]).any():
            raise InvalidOption(
                f"{self.blackbox.name!r} has no finite value of {target!r}, the target, to learn from"
            )
        return data

    def _seeds(self) -> list[tuple[int, int | None]]:
        """The seeds of the surrogate, and that of the table from which each is learnt."""
        if self.options.seeds == "merged":
            return [(0, None)]
        configurations = self.blackbox.configurations()
        seeds = sorted({seed for each in configurations for seed in self.blackbox.seeds(each)})
        return [(seed, seed) for seed in seeds]
