import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from blackbox_repo.errors import FormatError, IntegrityError, InvalidOption, UnknownName
from blackbox_repo.repository import load_blackbox
from blackbox_repo.schema import CONSTANT_COLUMNS, RESERVED, RESULT_COLUMNS
from blackbox_repo.views import nearest
from simulator import (
    ASHA,
    PAUSE,
    STOP,
    Conditions,
    Delays,
    Failures,
    Resume,
    Run,
    Start,
    Stop,
    simulate,
)


@pytest.fixture
def run(play: Any, job: Any, after: Any) -> Run:
    _, _, run = play(
        [job(10, 5), job(7, 2), after((0, 2), Resume(0))],
        {(0, 2): PAUSE, (1, 1): STOP},
        workers=2,
        conditions=Conditions(delays=Delays(report=1, stop=9)),
    )
    return run


def test_a_run_survives_its_folder(run: Run, tmp_path: Path) -> None:
    run.save(tmp_path / "run")
    loaded = Run.load(tmp_path / "run")
    assert loaded.digest == run.digest
    assert loaded.header == json.loads(json.dumps(run.header))
    assert (loaded.reason, loaded.end, loaded.best(), loaded.schema) == (
        run.reason,
        run.end,
        run.best(),
        run.schema,
    )
    assert loaded.trials().equals(run.trials())
    assert loaded.segments().equals(run.segments())
    assert loaded.reports().equals(run.reports())
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_the_tables_tell_the_story(run: Run) -> None:
    trials = run.trials().to_pylist()
    assert trials[0] == {
        "trial": 0,
        "config.pace": 10.0,
        "config.level": 5,
        "seed": 0,
        "status": "completed",
        "started": 0.0,
        "ended": 51.0,
        "checkpoint_of": None,
        "off_table": False,
        "segments": 2,
    }
    assert trials[1]["status"] == "stopped"
    assert run.reports().to_pylist()[:3] == [
        {
            "time": 8.0,
            "trial": 1,
            "segment": 0,
            "fidelity": 1,
            "loss": 3.0,
            "elapsed_time": 7.0,
            "decision": "stop",
        },
        {
            "time": 11.0,
            "trial": 0,
            "segment": 0,
            "fidelity": 1,
            "loss": 6.0,
            "elapsed_time": 10.0,
            "decision": "continue",
        },
        {
            "time": 15.0,
            "trial": 1,
            "segment": 0,
            "fidelity": 2,
            "loss": 2.5,
            "elapsed_time": 14.0,
            "decision": "late",
        },
    ]


def test_the_segments_say_which_worker_was_busy_when_with_what(run: Run) -> None:
    table = run.segments()
    names = ["trial", "segment", "worker", "busy_from", "started", "ended", "until", "outcome"]
    assert table.column_names == names
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        (0, 0, 0, 0.0, 0.0, 30.0, None, "paused"),
        (0, 1, 1, 21.0, 30.0, 51.0, None, "completed"),
        (1, 0, 1, 0.0, 0.0, 17.0, None, "stopped"),
    ]


def test_a_job_that_the_end_of_the_run_forestalls_has_not_started(play: Any, job: Any) -> None:
    slow = Conditions(delays=Delays(start=9))
    _, _, run = play([job(10)], stop=Stop(time=5), conditions=slow)
    assert [tuple(row.values()) for row in run.segments().to_pylist()] == [
        (0, 0, 0, 0.0, None, 5.0, None, "interrupted")
    ]
    assert run.trials()["started"].to_pylist() == [None]
    assert play([])[2].segments().num_rows == 0


def test_the_incumbent_is_what_was_reported_in_time(run: Run) -> None:
    incumbent = run.incumbent()
    assert incumbent.time.tolist() == [8.0]
    best = run.best()
    assert best is not None
    assert (best.objective, best.value, best.trial, best.fidelity, best.time) == ("loss", 3.0, 1, 1, 8.0)
    assert best.configuration == {"pace": 7.0, "level": 2}


def test_nothing_reported_has_no_best(play: Any, job: Any) -> None:
    assert play([job(10)], stop=Stop(time=5))[2].best() is None
    assert play([])[2].best() is None


def test_only_objectives_with_a_goal_can_be_best(run: Run) -> None:
    with pytest.raises(InvalidOption, match="the objective 'elapsed_time' cannot be best"):
        run.best("elapsed_time")
    with pytest.raises(UnknownName, match="unknown objective 'lose'; did you mean 'loss'"):
        run.best("lose")


def test_a_folder_of_something_else_is_never_overwritten(run: Run, tmp_path: Path, tiny: Any) -> None:
    run.save(tmp_path / "run")
    run.save(tmp_path / "run")  # the same run again
    other = simulate(tiny, ASHA, workers=1, stop=Stop(time=50))
    with pytest.raises(InvalidOption, match="exists already and holds something else"):
        other.save(tmp_path / "run")
    assert Run.load(tmp_path / "run").digest == run.digest
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("mine")
    with pytest.raises(InvalidOption, match="exists already"):
        run.save(tmp_path / "notes")
    assert (tmp_path / "notes" / "a.txt").read_text() == "mine"


def test_a_changed_trace_is_noticed(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run.save(folder)
    trace = pq.read_table(folder / "trace.parquet")
    pq.write_table(trace.slice(1), folder / "trace.parquet")
    with pytest.raises(IntegrityError, match="trace.parquet is damaged: its sha256 is"):
        Run.load(folder)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="does not hold a run"):
        Run.load(tmp_path)
    (tmp_path / "run.json").write_text('{"format": 99}')
    with pytest.raises(FormatError, match="holds a run of format 99, but this version reads up to 2"):
        Run.load(tmp_path)


def test_statistics_tell_duplicates_stand_ins_and_idle_time(play: Any, job: Any) -> None:
    _, _, run = play([job(1), job(2), job(1)], workers=2)
    # worker 0 trains 4 + 4 s, worker 1 trains 8 s, and both end at 8 s
    assert run.statistics() == {"duplicates": pytest.approx(1 / 3), "off_table": 0.0, "idle": 0.0}
    lost = Conditions(failures=Failures(preempt=5, away=3))
    _, _, run = play([job(1)], workers=2, conditions=lost, stop=Stop(time=20))
    assert run.statistics()["idle"] == pytest.approx(0.5)
    _, _, run = play([job(2)], workers=2, conditions=lost, stop=Stop(time=20))
    # present from 0 to 5 and from 8 to 13, both workers; one of them trains from 0 to 5 and from 8 to 12
    assert run.seconds == 12
    assert run.statistics()["idle"] == pytest.approx(1 - 9 / 18)


def test_a_stand_in_is_told_from_a_row_of_the_table() -> None:
    table = load_blackbox("icml-deepar")["electricity"]
    rows = table.configurations()
    other = {**rows[0], next(iter(rows[0])): next(iter(table.schema.space.domains.values())).at(0.123456)}

    def search(schema: Any, seed: int) -> Any:
        for configuration in (rows[3], other, rows[3]):
            yield Start(configuration)

    run = simulate(nearest(table), search, workers=1, stop=Stop(trials_started=3))
    assert run.trials().to_pydict()["off_table"] == [False, True, False]
    assert run.statistics() == {
        "duplicates": pytest.approx(1 / 3),
        "off_table": pytest.approx(1 / 3),
        "idle": 0.0,
    }


def test_every_column_of_the_results_that_an_objective_could_clash_with_is_reserved(run: Run) -> None:
    objectives = {objective.name for objective in run.schema.objectives}
    beside_curves = set(run.reports().column_names) - objectives
    trials = {name for name in run.trials().column_names if not name.startswith("config.")}
    assert beside_curves <= {*RESULT_COLUMNS, *RESERVED}
    assert trials - objectives <= {*RESULT_COLUMNS, *RESERVED, *CONSTANT_COLUMNS}
