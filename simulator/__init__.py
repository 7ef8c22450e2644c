"""Time: replay learning curves against any scheduler on a simulated cluster."""

from typing import TYPE_CHECKING, Any

from blackbox_repo import deprecated as _deprecated
from simulator.api import simulate
from simulator.callbacks import Callback
from simulator.errors import SchedulerError, SimulationError
from simulator.results.run import Best, Incumbent, Run
from simulator.run_state import RunState
from simulator.scheduler import (
    CONTINUE,
    PAUSE,
    STOP,
    Decision,
    Report,
    Resume,
    Scheduler,
    SchedulerFactory,
    Start,
    Trial,
    TrialStatus,
    continue_until,
)
from simulator.schedulers import (
    ASHA,
    MOASHA,
    PASHA,
    PBT,
    GridSearch,
    Hyperband,
    LocalSearch,
    MedianStopping,
    PromotionASHA,
    RandomSearch,
    RegularizedEvolution,
    SuccessiveHalving,
)
from simulator.settings.conditions import Conditions
from simulator.settings.decision_time import Call
from simulator.settings.delays import Delays
from simulator.settings.distributions import Exponential, LogNormal, Uniform
from simulator.settings.failures import Failures
from simulator.settings.stopping import Cost, Stop, Threshold
from simulator.wrappers.generator import Finished

__all__ = [
    "ASHA",
    "CONTINUE",
    "MOASHA",
    "PASHA",
    "PAUSE",
    "PBT",
    "STOP",
    "Best",
    "Call",
    "Callback",
    "Conditions",
    "Cost",
    "Decision",
    "Delays",
    "Exponential",
    "Failures",
    "Finished",
    "GridSearch",
    "Hyperband",
    "Incumbent",
    "LocalSearch",
    "LogNormal",
    "MedianStopping",
    "PromotionASHA",
    "RandomSearch",
    "RegularizedEvolution",
    "Report",
    "Resume",
    "Run",
    "RunState",
    "Scheduler",
    "SchedulerError",
    "SchedulerFactory",
    "SimulationError",
    "Start",
    "Stop",
    "SuccessiveHalving",
    "Threshold",
    "Trial",
    "TrialStatus",
    "Uniform",
    "continue_until",
    "simulate",
]

if not TYPE_CHECKING:  # type checkers shall know the names above and no others

    def __getattr__(name: str) -> Any:
        return _deprecated.attribute(__name__, name)
