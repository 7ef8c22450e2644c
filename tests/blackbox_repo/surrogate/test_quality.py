"""Judging a fitting: figures of models that have not seen what they predict, and of repeated trainings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from blackbox_repo.domains import Categorical, Float
from blackbox_repo.errors import InvalidOption
from blackbox_repo.numeric.rounding import significant
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Space
from blackbox_repo.surrogate.fit import Fitting, fit_surrogate
from blackbox_repo.surrogate.options import FitOptions
from blackbox_repo.surrogate.quality import judge
from blackbox_repo.surrogate.report import draw_folds
from blackbox_repo.table import Coded, Table, TabularBlackbox

EPOCHS = 3


def line(count: int = 60, seeds: int = 2, *, names: bool = False) -> TabularBlackbox:
    """The loss is x, 1 more for each seed; an epoch takes 1 + x seconds."""
    x = np.repeat(np.arange(count) / count, seeds)
    seed = np.tile(np.arange(seeds), count)
    values = [f"c{place:03}" for place in range(count)] if names else sorted(set(x.tolist()))
    domain = Categorical(tuple(values)) if names else Float(0.0, 1.0)
    schema = Schema(
        Space({"x": domain}),
        Fidelity("epoch", tuple(range(1, EPOCHS + 1))),
        (Objective("loss", "min"), Objective("elapsed", "none", "s", cumulative=True)),
        target="loss",
        time="elapsed",
    )
    epochs = np.arange(1.0, EPOCHS + 1)
    table = Table(
        hyperparameters={"x": Coded.of([values[place] for place in np.repeat(np.arange(count), seeds)])},
        seeds=seed,
        points={
            "loss": ((x + seed)[:, None] + 0 * epochs).ravel(),
            "elapsed": ((1 + x)[:, None] * epochs).ravel(),
        },
        lengths=np.full(count * seeds, EPOCHS),
    )
    return TabularBlackbox(schema, table, name="line")


def test_a_line_is_learnt_and_its_figures_say_so() -> None:
    judgement = judge(Fitting.of(line(), "knn"))
    report = judgement.report
    assert report.rank is not None
    assert report.r2 is not None
    assert 0.98 < report.rank <= 1
    assert 0.98 < report.r2 < 1
    assert (report.configurations, report.examples, report.top) == (60, 60, 6)
    assert report.objectives["loss"].top == 1.0
    assert all(0.9 < quantile < 1.1 for row in report.time for quantile in row)
    assert len(judgement.predictions) == 60


def test_the_seeds_of_the_table_lie_apart_as_it_says() -> None:
    report = judge(Fitting.of(line(), "knn")).report
    assert report.objectives["loss"].seeds == (0.7071,) * EPOCHS  # of 0 and 1
    assert report.objectives["elapsed"].seeds == (0.0,) * EPOCHS
    assert report.objectives["loss"].predicted_seeds == ()  # merged: there is one


def test_separate_seeds_are_as_far_apart_as_those_of_the_table() -> None:
    loss = judge(Fitting.of(line(), "knn", options=FitOptions(seeds="separate"))).report.objectives["loss"]
    assert loss.predicted_seeds == pytest.approx(loss.seeds, rel=1e-3)


def test_a_table_with_one_seed_has_no_spread() -> None:
    assert judge(Fitting.of(line(seeds=1), "knn")).report.objectives["loss"].seeds == ()


def test_a_worse_rank_than_wanted_is_refused() -> None:
    with pytest.raises(InvalidOption, match="min_rank=1 refuses the surrogate 'knn' of 'line': held-out"):
        judge(Fitting.of(line(), "knn", settings={"neighbours": 59}), min_rank=1)


@pytest.mark.parametrize("model", ["knn", "forest"])
def test_configurations_that_differ_in_names_alone_are_refused_before_anything_is_fitted(model: str) -> None:
    if model == "forest":
        pytest.importorskip("sklearn")
    table, said = line(names=True), []
    with pytest.raises(
        InvalidOption, match="no surrogate can learn 'line': its 60 configurations differ only"
    ):
        judge(Fitting.of(table, model), say=said.append)
    with pytest.raises(InvalidOption, match="no surrogate can learn 'line'"):
        fit_surrogate(table, model)
    assert said == []


def test_configurations_that_are_left_out_are_not_learnt_from() -> None:
    fitting = Fitting.of(line(), "knn", settings={"neighbours": 1})
    every = fitting.blackbox.configurations()
    whole, cut = fitting.fit(), replace(fitting, left_out=(0,)).fit()
    assert (whole.info.rows, cut.info.rows) == (60, 59)
    assert [each.curve(every[0])["loss"][0] for each in (whole, cut)] == [0.5, significant(0.5 + 1 / 60, 6)]


def test_what_is_judged_is_what_users_get() -> None:
    fitting = Fitting.of(line(seeds=1), "knn", settings={"neighbours": 3})
    predicted = judge(fitting).predictions.predicted
    values = np.concatenate([each.ravel() for each in predicted.values()])
    assert values.tolist() == [significant(value, 6) for value in values.tolist()]
    fold = draw_folds(60, 0)[0]
    surrogate = replace(fitting, left_out=tuple(fold.tolist())).fit()
    every = fitting.blackbox.configurations()
    curves = surrogate.curves([every[number] for number in fold.tolist()])
    for name in ("loss", "elapsed"):
        assert predicted[name][: len(fold)].tolist() == [curve[name].tolist() for curve in curves]
