"""Reference schedulers of our own, one concept a file; they import ``simulator.scheduler`` only."""

from simulator.schedulers.asha import ASHA
from simulator.schedulers.asha_promotion import PromotionASHA
from simulator.schedulers.grid_search import GridSearch
from simulator.schedulers.random_search import RandomSearch

__all__ = ["ASHA", "GridSearch", "PromotionASHA", "RandomSearch"]
