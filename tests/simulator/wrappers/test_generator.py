"""Generators as schedulers."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from blackbox_repo.errors import InvalidOption
from blackbox_repo.schema import Objective
from simulator import (
    Conditions,
    Delays,
    Failures,
    RandomSearch,
    Resume,
    Run,
    SchedulerError,
    Start,
    Stop,
    simulate,
)
from simulator.registry import scheduler_factory
from simulator.wrappers.generator import Finished


def search(schema: Any, seed: int, tries: int = 20) -> Any:
    """Random search in one line more than it needs."""
    for number in range(tries):
        yield schema.space.sample("config", seed, number)


def run(scheduler: Any, blackbox: Any, workers: int = 1, **settings: Any) -> Run:
    return simulate(
        blackbox, scheduler, workers=workers, stop=settings.pop("stop", Stop(time=50_000)), **settings
    )


def test_a_generator_is_a_scheduler_in_three_lines(tiny: Any) -> None:
    finished = run(search, tiny, workers=3, seed=7)
    assert finished.reason == "exhausted"
    assert finished.trial_columns["status"] == ["completed"] * 20
    assert finished.header["scheduler"] == "search(seed=7, tries=20)"
    assert finished.digest == run(search, tiny, workers=3, seed=7, check_determinism=True).digest
    assert finished.digest == run(search(tiny.schema, 7), tiny, workers=3, seed=7).digest


def test_it_is_sent_what_has_finished_since_its_last_answer(make_tiny: Any) -> None:
    sent: list[list[Finished]] = []

    def watching(schema: Any, seed: int) -> Any:
        for answer in (*({"pace": pace, "level": 2} for pace in (1.0, 5.0, 3.0)), None):
            finished = yield answer
            sent.append(finished)

    run(watching, make_tiny(lengths={1.0: 2, 3.0: 0}), workers=2)
    # trial 0 has two epochs of 1 s, trial 1 four of 5 s, trial 2 none
    assert [[(job.trial, job.value, job.fidelity) for job in jobs] for jobs in sent[:3]] == [
        [],
        [(0, 2.5, 2)],
        [(2, pytest.approx(math.nan, nan_ok=True), None)],
    ]
    assert sent[0] == []
    assert sent[1] == [Finished(0, {"pace": 1.0, "level": 2}, 2.5, 2.5, 2, "completed")]  # type: ignore[arg-type]
    assert (sent[2][0].status, sent[2][0].loss) == ("completed", math.inf)


@pytest.mark.parametrize(("goal", "sign"), [("min", 1), ("max", -1)])
def test_losses_are_to_be_small_whatever_the_goal(tiny: Any, goal: Any, sign: int) -> None:
    tiny.schema = replace(tiny.schema, objectives=(Objective("loss", goal), tiny.schema.objectives[1]))
    jobs: list[Finished] = []

    def listen(schema: Any, seed: int) -> Any:
        jobs.extend((yield {"pace": 1.0, "level": 5}))
        jobs.extend((yield None))

    run(listen, tiny)
    assert [(job.value, job.loss) for job in jobs] == [(5.25, 5.25 * sign)]


def test_failed_jobs_are_infinitely_bad(make_tiny: Any) -> None:
    jobs: list[Finished] = []

    def listen(schema: Any, seed: int) -> Any:
        jobs.extend((yield {"pace": 1.0, "level": 0}))
        jobs.extend((yield None))

    run(listen, make_tiny(lengths={1.0: 2}, status="diverged"))
    assert [(job.status, job.value, job.loss) for job in jobs] == [("failed", 0.5, math.inf)]


def test_it_may_bound_jobs_and_resume_them(tiny: Any) -> None:
    heard: list[str] = []

    def halving(schema: Any, seed: int) -> Any:
        first = yield Start({"pace": 1.0, "level": 3}, until=2)
        while not first:
            first = yield None
        heard.extend(f"{job.status.value} at {job.fidelity}" for job in first)
        again = yield Resume(first[0].trial)
        again = again or (yield None)
        heard.extend(f"{job.status.value} at {job.fidelity}" for job in again)

    assert run(halving, tiny).reason == "exhausted"
    assert heard == ["paused at 2", "completed at 4"]


@pytest.mark.parametrize("answer", [7, ("a", "b"), "first"])
def test_what_is_no_answer_is_refused_as_of_any_scheduler(tiny: Any, answer: Any) -> None:
    def wrong(schema: Any, seed: int) -> Any:
        yield answer

    with pytest.raises(SchedulerError, match="which is no Start, Resume or None"):
        run(wrong, tiny)


def test_an_error_in_it_is_named(tiny: Any) -> None:
    def broken(schema: Any, seed: int) -> Any:
        yield schema.space.sample(0)
        raise ValueError("no idea")

    with pytest.raises(
        SchedulerError, match=r"GeneratorScheduler.suggest\(\) at .* raised ValueError\('no idea'\)"
    ):
        run(broken, tiny)


def test_it_cleans_up_when_the_run_is_over_or_given_up(tiny: Any) -> None:
    log: list[str] = []

    def tidy(schema: Any, seed: int, level: int) -> Any:
        try:
            while True:
                yield {"pace": 9.0, "level": level}
        finally:
            log.append(f"closed {level}")

    run(lambda schema, seed: tidy(schema, seed, 1), tiny, stop=Stop(trials_started=3))
    with pytest.raises(SchedulerError):
        run(lambda schema, seed: tidy(schema, seed, 77), tiny)
    assert log == ["closed 1", "closed 77"]


def test_it_is_the_same_as_the_class_that_does_the_same(tiny: Any) -> None:
    conditions = Conditions(Delays(report=2, stop=1), failures=Failures(crash=700, preempt=2000, away=7))
    same = [
        run(scheduler, tiny, workers=5, stop=Stop(time=9_000), conditions=conditions).digest
        for scheduler in (RandomSearch, as_generator)
    ]
    assert same[0] == same[1]


def as_generator(schema: Any, seed: int) -> Any:
    random = RandomSearch(schema, seed)
    while True:
        yield random.suggest()


def test_by_name_with_settings_and_resumed_from_a_log(
    tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_search.py").write_text(
        "def search(schema, seed, tries=20):\n"
        "    for number in range(tries):\n"
        "        yield schema.space.sample(seed, number)\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    factory = scheduler_factory("py:my_search:search", {"tries": 5})
    log = tmp_path / "run.jsonl"
    finished = run(factory, tiny, log=log)
    assert finished.header["scheduler"] == "search(seed=0, tries=5)"
    assert len(finished.trial_columns["trial"]) == 5
    log.write_bytes(log.read_bytes()[:-200])
    assert run(factory, tiny, log=log, resume=True).digest == finished.digest
    with pytest.raises(InvalidOption, match="takes a factory|needs a factory"):
        run(search(tiny.schema, 0), tiny, log=log, resume=True)


def test_the_snippet_of_the_page_finds_something() -> None:
    page = (Path(__file__).parents[3] / "docs" / "schedulers.md").read_text(encoding="utf-8")
    snippet = page.partition("## A generator")[2].partition("```python\n")[2].partition("```")[0]
    names: dict[str, Any] = {}
    exec(snippet, names)  # noqa: S102  a snippet of ours
    assert names["run"].best().value > 60
    assert "climb(seed=0, tries=40)" in names["run"].header["scheduler"]
