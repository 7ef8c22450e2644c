"""Functions that adapters share: to import a library, find its classes, and check what users say of them."""

from __future__ import annotations

import ast
import importlib
import inspect
import linecache
import logging
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from importlib.util import find_spec
from typing import Any

from blackbox_repo import deprecated
from blackbox_repo.errors import InvalidOption, UnknownName
from blackbox_repo.schema import Goal, Schema


def __getattr__(name: str) -> Any:
    return deprecated.attribute(__name__, name)


def require(module: str, extra: str, package: str | None = None) -> Any:
    """Import a module of an HPO library.

    Args:
        module: Such as ``"optuna.samplers"``.
        extra: The extra of this project that installs the library.
        package: What the library is called on PyPI, where that is not its module's name.

    Raises:
        InvalidOption: It is not installed, or breaks; the message says how to install it.
    """
    try:
        return importlib.import_module(module)
    except Exception as err:  # it is not there, or too old for what else is installed
        package = package or module.partition(".")[0]
        raise InvalidOption(
            f"this scheduler needs {package}, which cannot be imported ({describe_error(err)}); install it "
            f"with pip install 'blackbox-repo[{extra}]'"
        ) from err


def version_of(package: str) -> str:
    """The installed version of a package, for the header of a run."""
    return metadata.version(package)


def find_class(module: Any, name: str, base: type, what: str) -> Any:
    """The class of that name in a module of a library.

    Raises:
        UnknownName: There is no such subclass of ``base``.
    """
    known = {
        key: value
        for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, base) and value is not base
    }
    if not isinstance(name, str) or name not in known:
        raise UnknownName(what, str(name), sorted(known))
    return known[name]


def check_callable(what: str, given: object) -> None:
    """Refuse an object that is neither a name nor a class or function.

    Args:
        what: Such as ``"the Optuna sampler"``.
        given: What the user has given, if it is not a name.

    Raises:
        InvalidOption: It cannot be called.
    """
    if not callable(given):
        raise InvalidOption(f"{what} is {given!r}, but must be a name, or a class or function that makes one")


def check_kind(thing: Any, kind: type, factory: Any) -> Any:
    """Return what a factory has made, if it is an instance of the library's class.

    Raises:
        InvalidOption: It is something else.
    """
    if not isinstance(thing, kind):
        raise InvalidOption(f"{name_of(factory)} made a {type(thing).__name__}, which is no {kind.__name__}")
    return thing


def check_settings(name: str, given: object) -> dict[str, Any]:
    """The settings that a user has given, as a dictionary; ``None`` means none.

    Raises:
        InvalidOption: No mapping of names.
    """
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise InvalidOption(f"{name} is {given!r}, but must be names and their values: {name}={{'x': 1}}")
    return dict(given)


def check_objectives(given: object) -> tuple[str, ...]:
    """The names of objectives that a user has given.

    Raises:
        InvalidOption: No list of names, or one twice.
    """
    listed = isinstance(given, Sequence) and not isinstance(given, str)
    names = tuple(given) if isinstance(given, Sequence) and listed else ()
    if not listed or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise InvalidOption(f"objectives is {given!r}, but must be a list of different names of objectives")
    return names


def goals_of(schema: Schema, objectives: Sequence[str]) -> dict[str, Goal]:
    """Objective -> its goal, ``"min"`` or ``"max"``.

    Args:
        schema: The schema of the blackbox.
        objectives: The objectives to be optimized; without any it is the target.

    Raises:
        UnknownName: The schema does not have such an objective.
        InvalidOption: An objective has no goal.
    """
    goals = {name: schema.objective(name).goal for name in objectives or (schema.target,)}
    for name, goal in goals.items():
        if goal == "none":
            raise InvalidOption(f"the objective {name!r} cannot be optimized: it has no goal")
    return goals


def make(
    factory: Callable[..., Any],
    settings: Mapping[str, Any],
    *,
    supplied: Mapping[str, Any] | None = None,
    **offered: Any,
) -> Any:
    """Call a class of a library with the user's settings, and with other arguments as far as it takes them.

    Args:
        factory: The class or function.
        settings: What the user has set.
        supplied: What follows from the blackbox and the run, such as a seed: no setting may say otherwise.
        offered: Defaults of the adapter's, which settings replace.

    Raises:
        InvalidOption: A setting contradicts what is supplied, or the library refuses the settings.
    """
    name = name_of(factory)
    known = inspect.signature(factory).parameters
    refuse_contradictions(name, settings, supplied or {})
    beside = {**offered, **(supplied or {})}
    taken = {key: value for key, value in beside.items() if key in known and key not in settings}
    with translate_errors(f"{name} cannot be made with the settings {dict(settings)!r}"):
        return factory(**taken, **settings)


@contextmanager
def translate_errors(failure: str, hint: str = "") -> Iterator[None]:
    """A context in which any error of a library, such as one about settings, becomes an ``InvalidOption``.

    Args:
        failure: What has failed then, to which the message adds why.
        hint: The end of the message, such as where there is more.

    Raises:
        InvalidOption: The library has raised something.
    """
    try:
        yield
    except InvalidOption:
        raise
    except Exception as err:
        raise InvalidOption(f"{failure}: {describe_error(err)}{hint}") from err


def refuse_contradictions(name: str, settings: Mapping[str, Any], supplied: Mapping[str, Any]) -> None:
    """Refuse settings that contradict the blackbox, the run or the adapter.

    Args:
        name: The scheduler or class that the settings are for; it begins the message.
        settings: What the user has set.
        supplied: What the adapter hands to the library.

    Raises:
        InvalidOption: A setting is not what is supplied.
    """
    for key, value in settings.items():
        if key in supplied and not _same(value, supplied[key]):
            raise InvalidOption(
                f"{name}: the setting {key}={value!r} contradicts {key}={supplied[key]!r}, which follows "
                f"from the blackbox, the run and the adapter's own arguments; leave it out"
            )


def _same(value: object, supplied: object) -> bool:
    return type(value) is type(supplied) and bool(value == supplied)


def describe_error(error: BaseException) -> str:
    """The message of an error in one line, with the error's class if the message is not clear without it."""
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(str(error).split()))
    if isinstance(error, NameError) and (absent := missing_packages(error)):
        return f"it needs {', '.join(absent)}, which is not installed ({text})"
    if isinstance(error, ImportError | InvalidOption | ValueError) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def missing_packages(error: NameError) -> list[str]:
    """The packages whose missing a library ignored when it was imported, so that it lacks a name now.

    They are looked for in the module in which the error was raised: ``try: from pymoo... import HV``.
    """
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    lines = [] if frame is None else linecache.getlines(frame.tb_frame.f_code.co_filename)
    guarded = (node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, ast.Try))
    packages = (package for node in guarded for part in node.body for package in _imported_packages(part))
    return [package for package in dict.fromkeys(packages) if find_spec(package) is None]


def _imported_packages(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]] if node.module and not node.level else []
    return [name.name.partition(".")[0] for name in node.names] if isinstance(node, ast.Import) else []


def name_of(factory: Any) -> str:
    """The name of a class or function, also of a ``functools.partial``, without an address in memory."""
    inner = getattr(factory, "func", factory)
    return str(getattr(factory, "__name__", None) or getattr(inner, "__name__", type(factory).__name__))


def quiet(*names: str) -> None:
    """Let these loggers of a library log errors only."""
    for name in names:
        logging.getLogger(name).setLevel(logging.ERROR)
