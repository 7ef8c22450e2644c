"""Reference schedulers of our own, one concept a file; they import ``simulator.scheduler`` only."""

from simulator.schedulers.asha import ASHA
from simulator.schedulers.asha_promotion import PromotionASHA
from simulator.schedulers.grid_search import GridSearch
from simulator.schedulers.hyperband import Hyperband
from simulator.schedulers.median_stopping import MedianStopping
from simulator.schedulers.pasha import PASHA
from simulator.schedulers.random_search import RandomSearch
from simulator.schedulers.successive_halving import SuccessiveHalving

__all__ = [
    "ASHA",
    "PASHA",
    "GridSearch",
    "Hyperband",
    "MedianStopping",
    "PromotionASHA",
    "RandomSearch",
    "SuccessiveHalving",
]
