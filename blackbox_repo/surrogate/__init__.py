"""Blackboxes that are predicted, not looked up: flat arrays evaluated with numpy.

May import ``blackbox_repo``; growing a forest needs scikit-learn, everything else nothing but numpy.
"""

from blackbox_repo.numeric.rounding import round_decimals, round_significant
from blackbox_repo.surrogate.blackbox import NetworkBlackbox
from blackbox_repo.surrogate.network import Network

__all__ = ["Network", "NetworkBlackbox", "round_decimals", "round_significant"]
