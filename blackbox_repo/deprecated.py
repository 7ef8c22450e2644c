"""Lets old public names work for one more release, with a ``DeprecationWarning`` that has the new name.

The names stand in the tables of :mod:`blackbox_repo.old_names` and nowhere else in the code. A finder in
``sys.meta_path`` makes old modules, and gives modules with old names in them a ``__getattr__``; for any other
module it costs a look into two dictionaries. The decorators :func:`arguments` and :func:`attributes` let
functions take old arguments, and classes have old attributes and methods. Every command line takes old
options.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import partial, wraps
from importlib.machinery import ModuleSpec
from operator import attrgetter
from types import ModuleType
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, overload

from blackbox_repo.old_names import ARGUMENTS, ATTRIBUTES, MODULES, NAMES, OPTIONS

if TYPE_CHECKING:
    from importlib.abc import Loader  # its import takes longer than all of this

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Class = TypeVar("_Class")


class RenamedWarning(DeprecationWarning):
    """An old name was used; the message says the new one."""


def attribute(module: str, name: str) -> Any:
    """What a module's attribute of an old name is: a renamed name, or a module that has moved.

    Args:
        module: The module of today.
        name: The old name.

    Raises:
        AttributeError: It is no old name either.
    """
    if name in NAMES.get(module, {}):
        place, _, new = NAMES[module][name].rpartition(":")
        _warn(f"{module}.{name}", f"{place or module}.{new}")
        return attrgetter(new)(importlib.import_module(place or module))
    old = f"{module}.{name}"
    if old in MODULES:
        _warn(f"the module {old}", MODULES[old])
        return importlib.import_module(MODULES[old])
    raise AttributeError(f"module {module!r} has no attribute {name!r}")


@overload
def arguments(function: type[_Class]) -> type[_Class]: ...
@overload
def arguments(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]: ...
def arguments(function: Any) -> Any:
    """A decorator: the function or class takes the old names of its arguments too.

    Args:
        function: A function or class that has a row in ``ARGUMENTS``.
    """
    where = f"{function.__module__}.{function.__qualname__}"
    if not isinstance(function, type):
        return _with_old_names(function, where)
    function.__init__ = _with_old_names(function.__init__, where)  # type: ignore[misc]
    return function


def _with_old_names(function: Callable[_Arguments, _Result], where: str) -> Callable[_Arguments, _Result]:
    renamed, name = ARGUMENTS[where], where.rpartition(".")[2]

    @wraps(function)
    def with_old_names(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        for old in renamed.keys() & kwargs.keys():
            new = renamed[old]
            if new in kwargs:
                raise TypeError(f"{name}() got {new} and its old name {old}; give {new} alone")
            _warn(f"the argument {old} of {where}", new)
            kwargs[new] = kwargs.pop(old)
        return function(*args, **kwargs)

    return with_old_names


def attributes(cls: type[_Class]) -> type[_Class]:
    """A decorator: old names of attributes and methods can be read, and be defined by subclasses.

    Args:
        cls: A class that has a row in ``ATTRIBUTES``.
    """
    where = f"{cls.__module__}.{cls.__qualname__}"
    renamed = ATTRIBUTES[where]
    for old, new in renamed.items():
        setattr(cls, old, _OldAttribute(where, old, new))

    def rename_in_subclass(subclass: type, **settings: Any) -> None:
        super(cls, subclass).__init_subclass__(**settings)  # type: ignore[misc]
        for old in renamed.keys() & vars(subclass).keys():
            _warn(f"{where}.{old}", renamed[old])
            setattr(subclass, renamed[old], vars(subclass)[old])
            delattr(subclass, old)

    cls.__init_subclass__ = classmethod(rename_in_subclass)  # type: ignore[assignment, arg-type]
    return cls


class _OldAttribute:
    """An attribute that reads the one of the new name."""

    def __init__(self, where: str, old: str, new: str) -> None:
        self._name, self._new = f"{where}.{old}", new

    def __get__(self, instance: object, owner: type) -> Any:
        _warn(self._name, self._new)
        return attrgetter(self._new)(owner if instance is None else instance)


def options(program: str, typed: Sequence[str]) -> list[str]:
    """The arguments of a command line with old options under their new names.

    Args:
        program: The command line, such as ``bb-sim``.
        typed: Its arguments, up to ``--`` read as options.
    """
    renamed, end = OPTIONS.get(program, {}), len(typed)
    if "--" in typed:
        end = list(typed).index("--")
    return [_option(word, renamed) for word in typed[:end]] + list(typed[end:])


def _option(word: str, renamed: dict[str, str]) -> str:
    old, equals, value = word.partition("=")
    if old not in renamed:
        return word
    _warn(f"the option {old}", renamed[old])
    return f"{renamed[old]}{equals}{value}"


def _warn(old: str, new: str) -> None:
    """Warn about an old name at the line that uses it."""
    frame, level = sys._getframe(1), 2  # noqa: SLF001  as the standard library does
    while frame.f_back and (frame.f_code.co_filename == __file__ or frame.f_code.co_name == "__getattr__"):
        frame, level = frame.f_back, level + 1
    message = f"{old} is called {new} now; the old name works for one more release"
    warnings.warn(message, RenamedWarning, level)


class _MovedModule(ModuleType):
    """A module under its old name; each attribute is looked up in the module of today."""

    today: ModuleType

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":  # of `from module import *`
            public = [word for word in vars(self.today) if not word.startswith("_")]
            return getattr(self.today, name, public)
        if name == "today" or name.startswith("__"):  # what Python asks of a module while it makes one
            raise AttributeError(name)
        return getattr(self.today, name)

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, _MovedModule) and name in vars(self.today):
            return  # Python binds an imported submodule, but there may be a function of its name
        super().__setattr__(name, value)


class _Finder:
    """Finds modules by their old names, and modules in which something has an old name."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name in MODULES:
            is_package = any(other.startswith(f"{name}.") for other in MODULES)
            return ModuleSpec(name, _MovedLoader(), origin=MODULES[name], is_package=is_package)  # type: ignore[arg-type]
        if name not in NAMES:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        specs = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is not None and spec.loader is not None:
            spec.loader = _RenamingLoader(spec.loader)  # type: ignore[assignment]
        return spec


class _MovedLoader:
    """Makes a module of an old name."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _MovedModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        new = MODULES[module.__name__]
        vars(module)["today"] = importlib.import_module(new)
        _warn(f"the module {module.__name__}", new)


class _RenamingLoader:
    """Loads a module as its own loader does, which it keeps, and lets old names be looked up."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)  # such as get_code, which runpy asks for

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        assert spec is not None
        spec.loader = module.__loader__ = self._loader
        vars(module)["__getattr__"] = partial(attribute, module.__name__)
        self._loader.exec_module(module)


def install() -> None:
    """Let Python find old names, from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())  # the others would find today's modules without us
