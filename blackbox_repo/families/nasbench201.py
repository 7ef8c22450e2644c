"""NAS-Bench-201: cells as configurations, official architecture strings and official indices.

The indices are the label column ``index`` of the table, so they need a blackbox; strings do not.
"""

from __future__ import annotations

from blackbox_repo.curve import LearningCurve
from blackbox_repo.errors import InvalidConfiguration
from blackbox_repo.space import Configuration
from blackbox_repo.table import TabularBlackbox

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
# the edges of the cell in the order of the architecture string: node 1 from 0, node 2 from 0 and 1, ...
EDGES = ("op_1_from_0", "op_2_from_0", "op_2_from_1", "op_3_from_0", "op_3_from_1", "op_3_from_2")
_STARTS = ((0,), (0, 1), (0, 1, 2))


def architecture_of(configuration: Configuration) -> str:
    """The official string of a cell: ``|none~0|+|none~0|none~1|+|none~0|none~1|none~2|``.

    Raises:
        InvalidConfiguration: An edge is missing.
    """
    missing = [edge for edge in EDGES if edge not in configuration]
    if missing:
        raise InvalidConfiguration(
            f"{dict(configuration)!r} is no cell of NAS-Bench-201: it lacks {missing!r}"
        )
    names = iter([str(configuration[edge]) for edge in EDGES])
    return "+".join("".join(f"|{next(names)}~{start}" for start in starts) + "|" for starts in _STARTS)


def configuration_of(architecture: str) -> dict[str, str]:
    """The configuration of an official architecture string.

    Raises:
        InvalidConfiguration: The text is no architecture string.
    """
    nodes = architecture.split("+")
    parts = [part for node in nodes for part in node.strip("|").split("|")]
    configuration = {edge: part.partition("~")[0] for edge, part in zip(EDGES, parts, strict=False)}
    known = set(configuration.values()) <= set(OPERATIONS)
    if len(parts) != len(EDGES) or not known or architecture_of(configuration) != architecture:
        raise InvalidConfiguration(
            f"{architecture!r} is no architecture string of NAS-Bench-201; one is "
            f"'{architecture_of(dict.fromkeys(EDGES, 'none'))}', with the operations {', '.join(OPERATIONS)}"
        )
    return configuration


def query_by_arch(
    blackbox: TabularBlackbox, architecture: str | int, *, seed: int | None = None
) -> LearningCurve:
    """The learning curve of a cell that is named by its official string or index.

    Args:
        blackbox: A task of ``nasbench201``, ``nasbench201-hp12`` or ``nasbench201-final``.
        architecture: The official string, or the official index from 0 to 15,624.
        seed: As for :meth:`Blackbox.curve`.

    Raises:
        InvalidConfiguration: The string is no architecture.
        UnknownName: The table has no such index.

    Example:
        >>> query_by_arch(load_blackbox("nasbench201-final")["cifar100"], 0).at(200)["valtest_error"]
    """
    if isinstance(architecture, str):
        return blackbox.curve(configuration_of(architecture), seed=seed)
    return blackbox.curve(blackbox.labelled("index", architecture), seed=seed)


def index_of(blackbox: TabularBlackbox, architecture: str | Configuration) -> int:
    """The official index of a cell, given by its string or configuration.

    Raises:
        InvalidConfiguration: The architecture is no cell.
        UnknownName: The table does not hold the cell.
    """
    text = architecture if isinstance(architecture, str) else architecture_of(architecture)
    configuration = blackbox.labelled("architecture", text)
    return int(blackbox.label("index")[list(blackbox.configurations()).index(configuration)])
