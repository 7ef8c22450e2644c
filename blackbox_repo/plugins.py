"""Objects of other packages, found by entry points, and a user's own, each imported when it is used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from blackbox_repo.errors import InvalidOption


@dataclass(frozen=True)
class Plugin:
    """An object that an installed package offers under a name, as one of its entry points.

    Args:
        name: The name under which the package offers it.
        target: Where the object is, as ``module:attribute``, or as the module if the group offers modules.
        distribution: The package, as pip calls it.
        version: The package's version.
    """

    name: str
    target: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.name!r} of {self.distribution} {self.version}"


def find_plugins(group: str) -> list[Plugin]:
    """What installed packages offer in a group of entry points, ordered by name, then by package.

    This reads the metadata of every installed package, which takes some milliseconds, and imports none.

    Args:
        group: The group, such as ``"simulator.schedulers"``.
    """
    from importlib.metadata import entry_points  # its import takes as long as that of all of our errors

    found = []
    for entry in entry_points(group=group):
        package = entry.dist
        assert package is not None, "an entry point that entry_points() returns has a distribution"
        target = entry.value.partition("[")[0].strip()  # extras may follow the object
        found.append(Plugin(entry.name, target, package.name, package.version))
    return sorted(found, key=lambda plugin: (plugin.name, plugin.distribution))


def load_plugin(kind: str, offered: Sequence[Plugin]) -> Any:
    """Import the object that a package offers.

    Args:
        kind: What it is, for messages, such as ``"scheduler"``.
        offered: The plugins of one name, at least one.

    Raises:
        InvalidOption: Several packages offer that name, or the object cannot be imported.
    """
    plugin = offered[0]
    if len(offered) > 1:
        packages = " and ".join(f"{other.distribution} {other.version}" for other in offered)
        raise InvalidOption(
            f"the {kind} {plugin.name!r} is offered by {packages}; uninstall all but one of them, or name "
            f"one as py:{plugin.target}"
        )
    if not all(plugin.target.partition(":")):
        raise InvalidOption(f"the {kind} {plugin} is {plugin.target!r}, but must be module:attribute")
    try:
        return import_object(plugin.target, f"the {kind} {plugin}")
    except InvalidOption:
        raise
    except Exception as err:  # whatever the package raises while it is imported
        raise InvalidOption(f"the {kind} {plugin} cannot be imported: {type(err).__name__}: {err}") from err


def import_by_user(name: str, what: str) -> Any:
    """Import an object of the user's own, whose module is on the Python path or in the current folder.

    Args:
        name: ``py:module:attribute``.
        what: What the object should be, for messages, such as ``"the scheduler 'py:mine:Mine'"``.

    Raises:
        InvalidOption: The name is written in another way, or there is no such module or attribute.
    """
    prefix, module, attribute = [*name.split(":", 2), "", ""][:3]
    if prefix != "py" or not module or not attribute:
        raise InvalidOption(f"{what} must be written py:module:attribute")
    if "" not in sys.path:
        sys.path.insert(0, "")  # a console script does not look into the current folder by itself
    return import_object(f"{module}:{attribute}", what)


def import_object(target: str, what: str) -> Any:
    """Import the object at ``module:attribute``.

    Args:
        target: Where the object is.
        what: What the object should be, for messages.

    Raises:
        InvalidOption: There is no such module or attribute.
    """
    module, _, attribute = target.partition(":")
    try:
        return reduce(getattr, attribute.split("."), importlib.import_module(module))
    except (ImportError, AttributeError) as err:
        raise InvalidOption(f"{what} cannot be imported: {err}") from err
    except SystemExit as err:  # a script that runs when it is imported
        raise InvalidOption(f"{what} cannot be imported: its module raised {err!r}") from err
