"""What all adapters share: a library that is there or an error that helps, and names looked up in it."""

from __future__ import annotations

import importlib
import inspect
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib import metadata
from typing import Any

from blackbox_repo.errors import InvalidOption, UnknownName


def require(module: str, extra: str, package: str | None = None) -> Any:
    """Import a module of an HPO library.

    Args:
        module: Such as ``"optuna.samplers"``.
        extra: The extra of this project that installs the library.
        package: What the library is called on PyPI, where that is not its module's name.

    Raises:
        InvalidOption: It is not installed; the message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as err:
        package = package or module.partition(".")[0]
        raise InvalidOption(
            f"this scheduler needs {package}, which cannot be imported ({err}); install it with "
            f"pip install 'blackbox-repo[{extra}]'"
        ) from err


def version_of(package: str) -> str:
    """The installed version of a package, for descriptions."""
    return metadata.version(package)


def class_in(module: Any, name: str, base: type, what: str) -> Any:
    """The class of that name in a module of a library.

    Raises:
        UnknownName: There is no such subclass of ``base``.
    """
    known = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, base) and value is not base
    }
    if name not in known:
        raise UnknownName(what, name, sorted(known))
    return known[name]


def made(factory: Callable[..., Any], settings: Mapping[str, Any], **offered: Any) -> Any:
    """Call a class of a library with the settings, and of what is offered with what it takes.

    Args:
        factory: The class or function.
        settings: Of the user; they go before what is offered.
        offered: Such as a seed.

    Raises:
        InvalidOption: The library refuses them.
    """
    parameters = inspect.signature(factory).parameters
    taken = {name: value for name, value in offered.items() if name in parameters and name not in settings}
    try:
        return factory(**taken, **settings)
    except (TypeError, ValueError, AssertionError) as err:
        name = getattr(factory, "__qualname__", repr(factory))
        raise InvalidOption(f"{name} cannot be made with the settings {dict(settings)!r}: {err}") from err


def quiet(*names: str) -> None:
    """Let a library's loggers speak only when something is wrong."""
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def hushed() -> Iterator[None]:
    """Nothing printed, no warnings, and no handler that ``logging.warning`` gives to a bare root logger."""
    root, silent = logging.getLogger(), logging.NullHandler()
    root.addHandler(silent)
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeHandler(silent)
