"""Reference schedulers of our own, one concept a file.

They import the seam :mod:`simulator.scheduler` and, of ``blackbox_repo``, the modules that define
configurations, schemas and keyed draws; none of them loads a blackbox or knows how a run is simulated.
"""

from simulator.schedulers.asha import ASHA
from simulator.schedulers.asha_promotion import PromotionASHA
from simulator.schedulers.grid_search import GridSearch
from simulator.schedulers.hyperband import Hyperband
from simulator.schedulers.local_search import LocalSearch
from simulator.schedulers.median_stopping import MedianStopping
from simulator.schedulers.mo_asha import MOASHA
from simulator.schedulers.pasha import PASHA
from simulator.schedulers.pbt import PBT
from simulator.schedulers.random_search import RandomSearch
from simulator.schedulers.regularized_evolution import RegularizedEvolution
from simulator.schedulers.successive_halving import SuccessiveHalving

__all__ = [
    "ASHA",
    "MOASHA",
    "PASHA",
    "PBT",
    "GridSearch",
    "Hyperband",
    "LocalSearch",
    "MedianStopping",
    "PromotionASHA",
    "RandomSearch",
    "RegularizedEvolution",
    "SuccessiveHalving",
]
