"""What is kept of a run, and what is said when another run departs from it."""

from dataclasses import replace
from functools import partial

import pytest

from blackbox_repo import (
    Categorical,
    Fidelity,
    Integer,
    Objective,
    Schema,
    Space,
    from_function,
    load_blackbox,
    views,
)
from blackbox_repo.errors import FormatError
from simulator import (
    ASHA,
    CONTINUE,
    PBT,
    Conditions,
    Delays,
    Exponential,
    Failures,
    Hyperband,
    PromotionASHA,
    RandomSearch,
    Run,
    Start,
    Stop,
    simulate,
)
from simulator.quality import Golden
from simulator.quality.golden import format_configuration
from simulator.testing import PROBLEMS

NLP = load_blackbox("nasbench-nlp")["wikitext-2"]
MIXED = from_function(
    Schema(
        Space({"choice": Categorical(("sqrt", 0.5, 1)), "size": Integer(1, 2**70)}),
        Fidelity("epoch", (1, 2)),
        (Objective("loss", "min"), Objective("elapsed_time", "none", "s", cumulative=True)),
        target="loss",
        time="elapsed_time",
    ),
    lambda configuration, seed: {"loss": [1.0, 0.5], "elapsed_time": [1.0, 2.0]},
)


def run(make=ASHA, *, trials=30, blackbox=NLP, **settings) -> Run:
    return simulate(blackbox, make, workers=4, stop=Stop(trials_started=trials), **settings)


class Fixed:
    """Starts configurations 0, 1, 2 in turn and stops trial 1 at a given epoch."""

    def __init__(self, schema, seed=0, stop_at=3, order=(0, 1, 2)):
        self.stop_at, self.order, self.started = stop_at, order, 0

    def suggest(self):
        if self.started == 3:
            return None
        self.started += 1
        return Start({"a": self.order[self.started - 1], "b": "q"})

    def on_report(self, trial, report):
        from simulator import STOP

        return STOP if (trial.number, report.fidelity) == (1, self.stop_at) else CONTINUE

    def on_end(self, trial):
        pass


def tiny(**settings) -> Run:
    return simulate(PROBLEMS["tiny"](), partial(Fixed, **settings), workers=2, stop=Stop(time=100))


def test_a_golden_holds_the_steps_of_the_scheduler_and_the_digest_of_all():
    golden = Golden.of(tiny())
    assert list(golden.lines) == [
        "0.0 start 0 worker 0 a=0 b=q #42b282",
        "0.0 start 1 worker 1 a=1 b=q #7007da",
        "6.0 stop 1 at 3",
        "6.0 start 2 worker 1 a=2 b=q #8ddede",
        "9.0 completed 0",
        "15.0 failed 2",
    ]
    assert golden.head["digest"] == tiny().digest
    assert Golden.parse(golden.text) == golden


@pytest.mark.parametrize(
    ("make", "settings"),
    [
        (ASHA, {}),
        (PromotionASHA, {}),
        (Hyperband, {"conditions": Conditions(Delays(start=3, report=1, stop=5, stopped=2))}),
        (
            PBT,
            {"conditions": Conditions(failures=Failures(crash=Exponential(9000), preempt=Exponential(9000)))},
        ),
        (RandomSearch, {"conditions": Conditions(decision_time=1.5, poll=5)}),
    ],
)
def test_equal_runs_do_not_depart_and_others_do(make, settings):
    golden = Golden.parse(Golden.of(run(make, **settings)).text)
    assert golden.departure(run(make, **settings)) is None
    assert golden.departure(run(make, trials=29, **settings)) is not None


def test_a_decision_that_is_not_made_any_more_is_shown_with_what_the_scheduler_knew():
    departure = Golden.of(tiny()).departure(tiny(stop_at=4))
    assert departure.splitlines() == [
        "2 steps are alike, then (time in simulated seconds):",
        "    both  0.0 start 0 worker 0 a=0 b=q #42b282",
        "    both  0.0 start 1 worker 1 a=1 b=q #7007da",
        "  golden  6.0 stop 1 at 3",
        "     now  6.0 continue 1 at 3",
        "    told  of trial 1 (score by epoch, to be small) 1: 5.0, 2: 4.5, 3: 4.833333333333333",
    ]


def test_a_decision_that_is_made_earlier_is_shown():
    departure = Golden.of(tiny()).departure(tiny(stop_at=2))
    assert "  golden  6.0 stop 1 at 3\n     now  4.0 stop 1 at 2" in departure


def test_another_configuration_is_shown_after_what_the_scheduler_was_told_lately():
    departure = Golden.of(tiny()).departure(tiny(order=(0, 1, 1)))
    assert (
        "  golden  6.0 start 2 worker 1 a=2 b=q #8ddede\n     now  6.0 start 2 worker 1 a=1 b=q" in departure
    )
    assert departure.count("    both  ") == 3
    assert departure.endswith(
        "    told  lately (score by trial and epoch, to be small) 1 1: 5.0, 0 1: 4.0, 1 2: 4.5, 0 2: 3.0, "
        "1 3: 4.833333333333333"
    )
    assert Golden.of(tiny()).departure(tiny(order=(2, 1, 0))).startswith("from the first step (")


def test_a_run_that_ends_sooner_or_later_is_shown():
    long, short = run(trials=30), run(trials=28)
    assert "start 28 worker" in Golden.of(long).departure(short)
    stopped = simulate(NLP, RandomSearch, workers=1, stop=Stop(time=50_000))
    later = simulate(NLP, RandomSearch, workers=1, stop=Stop(time=120_000))
    more, less = Golden.of(stopped).departure(later), Golden.of(later).departure(stopped)
    assert "  golden  nothing more" in more
    assert "     now  nothing more: the run ends at 50000.0 (time)" in less


def test_if_the_scheduler_did_the_same_something_else_has_changed():
    """Here the table: values between rungs that no decision rests on."""
    slower = views.with_target(NLP, "train_loss")
    departure = Golden.of(run(RandomSearch)).departure(run(RandomSearch, blackbox=slower))
    assert departure.startswith("the scheduler did the same 60 steps at the same times, but the digest")
    assert "blackbox_digest was" in departure


def test_a_golden_is_small():
    finished = run(RandomSearch, trials=50)
    assert len(finished.records) > 2500
    assert len(Golden.of(finished).text) < 6000


class Copying(Fixed):
    """Its third trial begins with the checkpoint of another, and is to end at some epoch."""

    def __init__(self, schema, seed=0, source=0, until=None):
        super().__init__(schema)
        self.source, self.until = source, until

    def suggest(self):
        found = super().suggest()
        return (
            found
            if self.started < 3 or found is None
            else Start(found.configuration, self.until, self.source)
        )


def copying(**settings) -> Run:
    return simulate(PROBLEMS["tiny"](), partial(Copying, **settings), workers=2, stop=Stop(time=10))


def test_whose_checkpoint_is_copied_and_how_far_a_job_was_to_go_are_steps():
    golden = Golden.of(copying())
    assert "6.0 start 2 worker 1 from 0 a=2 b=q #8ddede" in golden.lines
    assert "now  6.0 start 2 worker 1 from 1 a=2" in golden.departure(copying(source=1))
    assert "now  6.0 start 2 worker 1 until 7.0 from 0 a=2" in golden.departure(copying(until=7))


def test_a_decision_whose_report_comes_too_late_now_is_shown():
    slow = Conditions(Delays(report=5.0))

    def late(time, **settings):
        make = partial(Fixed, **settings)
        return simulate(PROBLEMS["tiny"](), make, workers=2, stop=Stop(time=time), conditions=slow)

    departure = Golden.of(late(20)).departure(late(10))
    assert "golden  11.0 stop 1 at 3\n     now  11.0 after-end 1 at 3" in departure


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it begins with '', but a golden trace begins with '# golden trace 2"),
        ("# something", "it begins with '# something'"),
        (
            Golden.of(tiny()).text.replace("# seed: 0", "# seed: x"),
            "line 5, in the head of the golden trace, is not proper JSON",
        ),
        (Golden.of(tiny()).text.replace("6.0 stop", "<<<<<<< HEAD\n6.0 stop"), "line 16 is '<<<<<<< HEAD'"),
        (Golden.of(tiny()).text + '# digest: "another"', "says the digest for the second time"),
        (Golden.of(tiny()).text[:-9], "line 19 is '15.0 ', which is no step"),
        (
            "\n".join(line for line in Golden.of(tiny()).text.splitlines() if "# digest" not in line),
            "the head of the golden trace is malformed: object missing required field digest",
        ),
    ],
)
def test_what_is_no_golden_is_refused(text, message):
    with pytest.raises(FormatError, match=message):
        Golden.parse(text)


@pytest.mark.parametrize("older", ["# golden trace 1: what a scheduler", "# golden trace 0: x"])
def test_a_golden_of_an_older_format_is_refused(older):
    with pytest.raises(FormatError, match=f"it is of another format: '{older[2:]}.*, not 'golden trace 2'"):
        Golden.parse(Golden.of(tiny()).text.replace("# golden trace 2: what a scheduler", older))


def test_a_golden_with_any_bit_flipped_is_refused():
    content = Golden.of(tiny()).text.encode()
    for bit in range(8 * len(content)):
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((FormatError, UnicodeDecodeError)) as refusal:
            Golden.parse(changed.decode())
        assert "\n" not in str(refusal.value)


def test_a_golden_with_any_line_removed_or_doubled_or_cut_off_is_refused():
    lines = Golden.of(tiny()).text.splitlines(keepends=True)
    for number in range(len(lines)):
        for changed in (
            lines[:number] + lines[number + 1 :],
            lines[: number + 1] + lines[number:],
            lines[:number],
        ):
            with pytest.raises(FormatError):
                Golden.parse("".join(changed))


def test_kinds_of_choices_are_told_apart():
    steps = {
        format_configuration({"choice": value}) for value in (1, "1", 1.0, True, "True", 2**70, float(2**70))
    }
    assert len(steps) == 7
    golden = Golden.of(run(RandomSearch, blackbox=MIXED, trials=9))
    assert Golden.parse(golden.text) == golden
    assert golden.departure(run(RandomSearch, blackbox=MIXED, trials=9)) is None


def test_a_golden_of_another_version_of_the_numbers_says_so_where_the_run_departs():
    other = replace(Golden.of(tiny()), head={**Golden.of(tiny()).head, "numbers": 1, "version": "0.8"})
    assert Golden.parse(other.text).departure(tiny()) is None
    departure = Golden.parse(other.text).departure(tiny(stop_at=4))
    assert departure.startswith(
        "it was made under version 1 of the numbers (blackbox-repo 0.8), and this is "
    )
    assert "golden  6.0 stop 1 at 3" in departure


def test_lines_that_differ_are_a_departure_even_if_the_digest_is_the_same():
    """A checkpoint may be copied from another trial at the same fidelity: no event says from which one."""
    golden = Golden.of(copying())
    other = replace(golden, lines=tuple(line.replace("from 0", "from 1") for line in golden.lines))
    assert "golden  6.0 start 2 worker 1 from 1 a=2" in other.departure(copying())
