from dataclasses import replace

import pytest

from blackbox_repo import keyed_random
from blackbox_repo.errors import InvalidOption
from simulator.quality import Results, Row, Verdict, compare
from simulator.quality.comparison import ALARM, holm

TASKS = ("a/1", "b/1", "c/1")


def results(regret, *, seeds=40, digest="old", tasks=TASKS, suite="smoke-2") -> Results:
    """Results in which task and seed have a regret; each run's digest is told apart."""
    rows = [
        Row(task, seed, regret(task, seed), 1.0, 9, f"{digest}{task}{seed}", None)
        for task in tasks
        for seed in range(seeds)
    ]
    return Results(suite, "Mine()", tuple(rows))


def noise(task, seed):
    return 0.3 + 0.1 * keyed_random.unit("noise", task, seed)


def moved(by, spread=0.02):
    return lambda task, seed: noise(task, seed) + by + spread * (keyed_random.unit("more", task, seed) - 0.5)


BEFORE = results(noise)


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (results(noise), Verdict.UNCHANGED),
        (results(noise, digest="new"), Verdict.EQUIVALENT),
        (results(moved(0), digest="new"), Verdict.EQUIVALENT),
        (results(moved(0.02), digest="new"), Verdict.EQUIVALENT),
        (results(moved(0.06), digest="new"), Verdict.REGRESSED),
        (results(moved(-0.06), digest="new"), Verdict.IMPROVED),
        (results(moved(0.04, spread=0.6), digest="new"), Verdict.UNDECIDED),
        (results(moved(0.06), digest="new", seeds=5), Verdict.UNDECIDED),
    ],
)
def test_verdicts(now, verdict):
    comparison = compare(BEFORE, now, margin=0.05)
    assert comparison.verdict is verdict
    assert comparison.summary.startswith(verdict.value)
    assert (comparison.seeds_needed is not None) == (verdict is Verdict.UNDECIDED)


def test_one_task_that_became_worse_is_enough_and_is_named():
    def regret(task, seed):
        return moved(0.1 if task == "b/1" else -0.02)(task, seed)

    comparison = compare(BEFORE, results(regret, digest="new"), margin=0.05)
    assert comparison.verdict is Verdict.REGRESSED
    assert comparison.together.verdict is Verdict.EQUIVALENT
    assert comparison.summary.startswith("regressed on 1 of 3 tasks, most on b/1: mean regret 0.34")
    assert "40 seeds, 120 of 120 traces changed" in comparison.summary


def test_a_rare_but_severe_failure_is_not_equivalent():
    """Ten of 60 seeds: the typical change is 0, the mean change is not."""

    def regret(task, seed):
        return noise(task, seed) + (0.5 if seed < 10 else 0)

    comparison = compare(results(noise, seeds=60), results(regret, seeds=60, digest="new"))
    assert comparison.together.test.estimate == 0
    assert comparison.verdict is not Verdict.EQUIVALENT
    fifteen = results(
        lambda task, seed: noise(task, seed) + (0.5 if seed < 15 else 0), seeds=60, digest="new"
    )
    assert compare(results(noise, seeds=60), fifteen).verdict is Verdict.REGRESSED


def test_so_few_seeds_that_none_could_be_enough_are_told_how_many_are():
    two = compare(results(noise, seeds=2), results(moved(0.3), seeds=2, digest="new"))
    assert two.seeds_needed == 11  # 2^-11 x 4 tests < 0.002
    eleven = compare(results(noise, seeds=11), results(moved(0.3), seeds=11, digest="new"))
    assert eleven.verdict is Verdict.REGRESSED


def test_figures_are_those_of_the_pairs():
    comparison = compare(BEFORE, results(lambda task, seed: noise(task, seed) + 0.03, digest="new"))
    (effect, *_) = comparison.tasks
    assert effect.name == "a/1"
    assert effect.now - effect.before == pytest.approx(0.03)
    assert effect.test.estimate == pytest.approx(0.03)
    assert effect.changed == 40
    assert comparison.together.changed == 120
    assert effect.worse == pytest.approx(2**-40 * 4)  # of four hypotheses, Holm


def test_unchanged_runs_need_no_statistics():
    few = compare(results(noise, seeds=1), results(noise, seeds=1))
    assert few.verdict is Verdict.UNCHANGED


def test_so_many_seeds_as_it_says_do_decide():
    """Undecided with 12 seeds; with those it asks for, the same change is decided."""
    spread = moved(0.01, spread=0.6)
    twelve = compare(results(noise, seeds=12), results(spread, seeds=12, digest="new"))
    assert twelve.verdict is Verdict.UNDECIDED
    needed = twelve.seeds_needed
    assert 12 < needed < 200
    more = compare(results(noise, seeds=needed), results(spread, seeds=needed, digest="new"))
    assert more.verdict is Verdict.EQUIVALENT


def test_a_change_by_chance_is_no_alarm():
    """Two halves of the same: 200 comparisons of 20 seeds, with so much noise that nothing is equivalent."""

    def half(number, name):
        return results(lambda task, seed: keyed_random.unit(number, name, task, seed), seeds=20, digest=name)

    verdicts = [compare(half(number, "old"), half(number, "new")).verdict for number in range(100)]
    assert verdicts.count(Verdict.REGRESSED) <= 2  # 100 x ALARM is 0.2


def test_holm_is_what_holm_wrote():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.6]) == [1.0, 1.0]
    assert ALARM < 0.01


@pytest.mark.parametrize(
    ("now", "margin", "message"),
    [
        (
            results(noise, suite="standard-2"),
            0.05,
            "the baseline is of the suite 'smoke-2', but this is 'standard-2'; choose",
        ),
        (
            results(noise, seeds=41),
            0.05,
            "lacks 3 runs, such as seed 40 of 'a/1'; it has 40 seeds of 3 tasks",
        ),
        (results(noise, tasks=("d/1",)), 0.05, "lacks 40 runs, such as seed 0 of 'd/1'"),
        (results(noise), 0, "margin is 0, but must be a regret, above 0 and below 1"),
        (results(noise), True, "margin is True"),
    ],
)
def test_what_cannot_be_compared_is_refused(now, margin, message):
    with pytest.raises(InvalidOption, match=message):
        compare(BEFORE, now, margin)


def test_fewer_seeds_or_tasks_than_the_baseline_has_are_compared_as_far_as_they_go():
    fewer = results(moved(0.06), digest="new", seeds=20, tasks=TASKS[:2])
    comparison = compare(BEFORE, fewer)
    assert [len(effect.changes) for effect in comparison.tasks] == [20, 20]
    assert comparison.verdict is Verdict.REGRESSED
    assert replace(comparison, margin=0.01).margin == 0.01
