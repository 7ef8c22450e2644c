"""Time: replay learning curves against any scheduler on a simulated cluster.

May import ``blackbox_repo``; the kernel (all but ``cli``) its types only.
"""

from simulator.conditions import Conditions
from simulator.delays import Delays
from simulator.errors import SchedulerError, SimulationError
from simulator.loop import simulate
from simulator.run import Best, Incumbent, Run
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
from simulator.schedulers import ASHA, GridSearch, PromotionASHA, RandomSearch
from simulator.stopping import Stop

__all__ = [
    "ASHA",
    "CONTINUE",
    "PAUSE",
    "STOP",
    "Best",
    "Conditions",
    "Decision",
    "Delays",
    "GridSearch",
    "Incumbent",
    "PromotionASHA",
    "RandomSearch",
    "Report",
    "Resume",
    "Run",
    "Scheduler",
    "SchedulerError",
    "SchedulerFactory",
    "SimulationError",
    "Start",
    "Stop",
    "Trial",
    "TrialStatus",
    "continue_until",
    "simulate",
]
