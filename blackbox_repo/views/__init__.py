"""Views of blackboxes: cut, renamed, averaged, timed. Views compose and do not change the inner blackbox.

Besides what it is made for, a view has the errors, the seeds and the table of the inner blackbox.
"""

from blackbox_repo.views.fidelities import select_fidelities, up_to
from blackbox_repo.views.fitted import with_surrogate
from blackbox_repo.views.nearest import nearest
from blackbox_repo.views.objectives import rename_objectives, with_target
from blackbox_repo.views.seeds import fixed_seed, mean_over_seeds
from blackbox_repo.views.time_model import TimeModel, with_time_model

__all__ = [
    "TimeModel",
    "fixed_seed",
    "mean_over_seeds",
    "nearest",
    "rename_objectives",
    "select_fidelities",
    "up_to",
    "with_surrogate",
    "with_target",
    "with_time_model",
]
