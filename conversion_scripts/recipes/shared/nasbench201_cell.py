"""The cells of NAS-Bench-201: their search space, and how many weights the network of a cell has."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from blackbox_repo.domains import Categorical
from blackbox_repo.families.nasbench201 import EDGES, OPERATIONS
from blackbox_repo.space import Space

SPACE = Space({edge: Categorical(OPERATIONS) for edge in EDGES})
# task -> its classes, the outputs of the network's last layer
CLASSES = {"cifar10-valid": 10, "cifar10": 10, "cifar100": 100, "ImageNet16-120": 120}
CHANNELS, CELLS = (16, 32, 64), 5  # of the three stages, and the cells in each
KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}


def count_weights(configuration: Mapping[str, Any], classes: int) -> int:
    """How many weights the network of a cell has: ``TinyNetwork`` of the official code.

    A convolution of three channels to 16, five cells in each of three stages, residual blocks that double the
    channels between these, and a classifier.
    """
    kernels = [KERNELS[operation] for operation in configuration.values() if operation in KERNELS]
    cells = sum(CELLS * _count_convolution(kernel, width, width) for kernel in kernels for width in CHANNELS)
    blocks = sum(
        _count_convolution(3, narrow, wide) + _count_convolution(3, wide, wide) + narrow * wide
        for narrow, wide in pairwise(CHANNELS)
    )
    last = CHANNELS[-1]
    return _count_convolution(3, 3, CHANNELS[0]) + cells + blocks + 2 * last + (last + 1) * classes


def _count_convolution(kernel: int, inputs: int, outputs: int) -> int:
    """The weights of a convolution without bias, and of the normalization behind it."""
    return kernel**2 * inputs * outputs + 2 * outputs
