"""Syne Tune's own simulator on a table of this project: its real clock is off, two rules are corrected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import numpy as np
import pandas as pd
from syne_tune import Tuner
from syne_tune.backend.simulator_backend.events import CompleteEvent
from syne_tune.backend.simulator_backend.simulator_backend import SimulatorConfig
from syne_tune.backend.simulator_backend.simulator_callback import SimulatorCallback
from syne_tune.backend.trial_status import Status
from syne_tune.blackbox_repository.blackbox_tabular import BlackboxTabular
from syne_tune.blackbox_repository.simulated_tabular_backend import UserBlackboxBackend
from syne_tune.config_space import choice, randint

from blackbox_repo.blackbox import Blackbox

ELAPSED = "elapsed_time"
MAX_RESOURCE = "max_epoch"
"""The key by which a configuration bounds its job, where a scheduler has one: as the adapter calls it."""


def to_syne_tune(blackbox: Blackbox, metric: str) -> BlackboxTabular:
    """The whole table; every configuration has one seed and all fidelities."""
    fidelity = blackbox.schema.fidelity
    columns = [blackbox.values(name)[:, 0, :] for name in (metric, ELAPSED)]
    return BlackboxTabular(
        hyperparameters=pd.DataFrame(list(blackbox.configurations())),
        configuration_space=space_of(blackbox),
        fidelity_space={fidelity.name: randint(1, int(fidelity.values[-1]))},
        objectives_evaluations=np.stack(columns, axis=-1)[:, None],
        fidelity_values=np.array(fidelity.values),
        objectives_names=[metric, ELAPSED],
    )


def space_of(blackbox: Blackbox) -> dict[str, Any]:
    """A space of categoricals in Syne Tune's words."""
    return {name: choice(list(domain.values)) for name, domain in blackbox.schema.space.domains.items()}


@dataclass(frozen=True)
class Theirs:
    """How Syne Tune's simulator runs.

    Args:
        delay: Seconds, for each of its five delays.
        sleep: Simulated seconds between two looks of the tuner; ``None`` lets it look at each event.
        corrected: To the rules T9 and T12 of docs/time.md.
    """

    delay: float = 0.0
    sleep: float | None = None
    corrected: bool = False


class Backend(UserBlackboxBackend):
    """The simulator as it is, but that thinking takes no time (T12)."""

    def __init__(self, how: Theirs, blackbox: BlackboxTabular, workers: int) -> None:
        super().__init__(
            blackbox,
            ELAPSED,
            max_resource_attr=MAX_RESOURCE,
            seed=0,
            simulator_config=SimulatorConfig(*[how.delay] * 5),
            tuner_sleep_time=how.sleep or 0,
        )
        self.how, self.workers = how, workers
        self.time_keeper.real_time_since_last_recent_exit = lambda: 0.0

    @property
    def next_event(self) -> float:
        """When the next event happens, or has happened."""
        return self._simulator_state.event_heap[0][0]

    def sleep(self) -> None:
        """The tuner has nothing to do."""
        keeper, sleep = self.time_keeper, self.how.sleep
        if sleep is None:
            keeper.advance_to(self.next_event)
        else:
            keeper.advance(sleep)


class CorrectedBackend(Backend):
    """The simulator corrected to two rules of docs/time.md.

    T9: the tuner goes on while a signal travels, and nothing moves its clock; the worker is busy meanwhile.

    T12: in a look the tuner handles reports and ends one by one, in the order of arrival: not all reports
    trial by trial, and then all ends. Free workers come last in both.
    """

    def __init__(self, how: Theirs, blackbox: BlackboxTabular, workers: int) -> None:
        super().__init__(how, blackbox, workers)
        self._busy: list[int] = []

    def sleep(self) -> None:
        if self.next_event > self.time_keeper.time():
            super().sleep()

    def fetch_status_results(self, trial_ids: list[int]) -> Any:
        now, keeper = self.time_keeper.time(), self.time_keeper
        if self._simulator_state.event_heap and self.next_event <= now:
            keeper._current_time = self.next_event
            super()._process_events_until_now()
            keeper._current_time = now
        return super().fetch_status_results(trial_ids)

    def _process_events_until_now(self) -> None:
        pass

    def _schedule(self, trial_id: int, config: dict[str, Any]) -> None:
        self._busy.append(trial_id)
        super()._schedule(trial_id, config)

    def _stop_or_pause_trial(self, trial_id: int, status: str) -> None:
        state, delays = self._simulator_state, self.simulator_config
        free = self.time_keeper.time() + delays.delay_stop + delays.delay_complete_after_stop
        ends = [
            time
            for time, _, event in state.event_heap
            if event.trial_id == trial_id and isinstance(event, CompleteEvent)
        ]
        state.remove_events(trial_id)
        for end in ends:  # none if that has been registered
            state.push(CompleteEvent(trial_id=trial_id, status=status), min(end, free))

    def _process_complete_event(self, trial_id: int, time_event: float, status: str) -> None:
        super()._process_complete_event(trial_id, time_event, status)
        self._busy.remove(trial_id)

    def busy_trial_ids(self) -> list[tuple[int, str]]:
        """The jobs; as many as there are workers as long as there is something to be told."""
        events = self._simulator_state.event_heap
        waits = events and self.next_event <= self.time_keeper.time()
        busy = range(self.workers) if waits else self._busy
        return [(trial_id, Status.in_progress) for trial_id in busy]


class Callback(SimulatorCallback):
    """Lets the backend say how long the tuner sleeps, and stores nothing."""

    def __init__(self, backend: Backend) -> None:
        super().__init__()
        self.backend = backend

    def on_tuning_sleep(self, sleep_time: float) -> None:
        self.backend.sleep()

    def store_results(self) -> None:
        pass


class Silence:
    """A logger of the tuner."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_, **__: None


def run_there(blackbox: Blackbox, journal: Any, workers: int, how: Theirs) -> None:
    """Tune until the journal suggests nothing more and all trials have ended."""
    backend = (CorrectedBackend if how.corrected else Backend)(
        how, to_syne_tune(blackbox, journal.metric_names()[0]), workers
    )
    quiet = {"output_logger": Silence()} if "output_logger" in signature(Tuner).parameters else {}
    Tuner(
        backend,
        journal,
        stop_criterion=lambda _: False,
        n_workers=workers,
        sleep_time=0,
        callbacks=[Callback(backend)],
        save_tuner=False,
        tuner_name="peer",
        suffix_tuner_name=False,
        start_jobs_without_delay=not how.corrected,
        **quiet,
    ).run()
