"""Old public names of all packages, which work for one more release and give a ``DeprecationWarning``.

People who rename something public add a row to one of the tables; nothing else of the old name stays in the
code. Old modules are found by a finder at the end of ``sys.meta_path``, which Python asks only for modules
that it finds nowhere else. The packages' ``__getattr__`` look up old names of classes and functions, the
decorators :func:`arguments` and :func:`attributes` those of arguments and of attributes and methods, and
every command line looks up old options.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Sequence
from functools import wraps
from importlib.machinery import ModuleSpec
from operator import attrgetter
from types import ModuleType
from typing import Any, ParamSpec, TypeVar, overload

_MOVED = {
    ("blackbox_repo", "blackbox_repo.numeric"): "elementary rounding scalars",
    (
        "blackbox_repo",
        "blackbox_repo.store",
    ): "arrow_table cache lock manifest parquet parquet_checks self_description storage",
    ("blackbox_repo", "blackbox_repo.text"): "console plain_text progress streams terminal",
    ("conversion_scripts", "conversion_scripts.raw"): "archives connections download",
    ("conversion_scripts", "conversion_scripts.readers"): """
        csv_columns hdf5 json_stream onnx_graph onnx_network pickle_keys pickle_size
        pickle_stream points safe_pickle
    """,
    ("conversion_scripts", "conversion_scripts.recipes"): """
        fcnet hpob hpobench_mlp lcbench nasbench_macro nmt pd1 tabrepo_lightgbm taskset
        yahpo_iaml yahpo_lcbench yahpo_nb301 yahpo_rbv2
    """,
    ("conversion_scripts", "conversion_scripts.recipes.shared"): "nats_bench yahpo",
    ("simulator", "simulator.cli"): "command options scheduler_page step_plot summary",
    ("simulator", "simulator.kernel"): "cluster curves events segments timing trace",
    ("simulator", "simulator.results"): "columns difference front run run_tables saved_run",
    ("simulator", "simulator.settings"): "conditions decision_time delays distributions failures stopping",
    ("simulator", "simulator.wrappers"): "generator log",
    (
        "simulator.regression",
        "simulator.quality",
    ): "check comparison golden markdown page results scores signed_rank suites",
}
"""Old and new package -> modules that have kept their names."""

MODULES = {
    **{f"{old}.{name}": f"{new}.{name}" for (old, new), names in _MOVED.items() for name in names.split()},
    "blackbox_repo.description": "blackbox_repo.cli.description",
    "blackbox_repo.draw": "blackbox_repo.keyed_random",
    "blackbox_repo.folders": "blackbox_repo.store.atomic_directory",
    "blackbox_repo.manifest_file": "blackbox_repo.store.manifest",
    "blackbox_repo.nearest": "blackbox_repo.views.nearest",
    "blackbox_repo.one_by_one": "blackbox_repo.store.lazy_tables",
    "blackbox_repo.surrogate.examples": "blackbox_repo.surrogate.training_data",
    "blackbox_repo.surrogate.fitted": "blackbox_repo.views.fitted",
    "blackbox_repo.surrogate.resemblance": "blackbox_repo.surrogate.neighbour_weights",
    "blackbox_repo.view": "blackbox_repo.views.base",
    "blackbox_repo.words": "blackbox_repo.text.humanize",
    "conversion_scripts.completeness": "conversion_scripts.expected_size",
    "conversion_scripts.icml2020": "conversion_scripts.recipes.icml",
    "conversion_scripts.nas_bench_graph": "conversion_scripts.recipes.nasbench_graph",
    "conversion_scripts.nas_bench_nlp": "conversion_scripts.recipes.nasbench_nlp",
    "conversion_scripts.nasbench201": "conversion_scripts.recipes.nasbench201_final",
    "conversion_scripts.nats_cards": "conversion_scripts.recipes.shared.nats_bench",
    "conversion_scripts.places": "conversion_scripts.raw.locate",
    "conversion_scripts.signatures": "conversion_scripts.raw.file_type",
    "simulator.adapters.global_state": "simulator.global_state",
    "simulator.adapters.isolated": "simulator.wrappers.isolated",
    "simulator.attention": "simulator.kernel.dispatch",
    "simulator.ending": "simulator.kernel.shutdown",
    "simulator.keeping": "simulator.cli.run_folder",
    "simulator.loop": "simulator.kernel.simulation",
    "simulator.losses": "simulator.kernel.preemption",
    "simulator.patience": "simulator.wrappers.call_timeout",
    "simulator.progress": "simulator.cli.run_progress",
    "simulator.regression": "simulator.quality",
    "simulator.regression.ci": "simulator.cli.ci",
    "simulator.result": "simulator.results.build",
    "simulator.schedulers.exact": "simulator.schedulers.exact_fractions",
    "simulator.schedulers.final_loss": "simulator.schedulers.full_training",
    "simulator.schedulers.fronts": "simulator.schedulers.pareto_fronts",
    "simulator.schedulers.listing": "simulator.cli.scheduler_list",
    "simulator.schedulers.loss": "simulator.schedulers.objective_loss",
    "simulator.schedulers.positions": "blackbox_repo.distance",
    "simulator.schedulers.registry": "simulator.registry",
    "simulator.schedulers.settings": "simulator.scheduler_settings",
    "simulator.seeds": "simulator.kernel.training_seeds",
    "simulator.server": "simulator.kernel.request_queue",
    "simulator.state": "simulator.run_state",
    "simulator.story": "simulator.results.timeline",
    "simulator.story_page": "simulator.cli.timeline_page",
    "simulator.suggestions": "simulator.kernel.jobs",
    "simulator.tally": "simulator.kernel.limits",
    "simulator.testing.elsewhere": "simulator.testing.subprocess_run",
}
"""Old module -> the module that has its names now."""

NAMES: dict[str, dict[str, str]] = {
    "blackbox_repo.store.atomic_directory": {
        "appearing": "atomic_directory",
        "full_disk_named": "name_full_disk",
        "on_disk": "sync_to_disk",
        "reserved": "reserve",
    },
    "blackbox_repo.store.lazy_tables": {"OneByOne": "LazyTables"},
    "blackbox_repo.store.lock": {"Occupied": "blackbox_repo.errors:AlreadyLocked", "alone": "exclusive"},
    "blackbox_repo.store.manifest": {"Best": "BestKnown", "Default": "TuningDefaults"},
    "blackbox_repo.surrogate.neighbour_weights": {"Resemblance": "NeighbourWeights"},
    "blackbox_repo.surrogate.training_data": {"Examples": "TrainingData"},
    "blackbox_repo.views.fitted": {"Surrogate": "blackbox_repo.surrogate.curve_mixture:CurveMixture"},
    "blackbox_repo.views.nearest": {"position": "blackbox_repo.distance:coordinate"},
    "blackbox_repo.distance": {"at_place": "at_position", "place": "position", "places": "positions"},
    "conversion_scripts.expected_size": {
        "Whole": "ExpectedSize",
        "marked": "note_shortfall",
        "shortfall": "describe_shortfall",
    },
    "conversion_scripts.raw.archives": {
        "opened": "open_member",
        "seekable": "make_seekable",
        "unpacked": "decompress",
    },
    "conversion_scripts.raw.connections": {
        "PATIENT": "DEFAULT_POLICY",
        "Pace": "RateCheck",
        "Patience": "RetryPolicy",
        "opener": "make_opener",
    },
    "conversion_scripts.raw.download": {
        "PATIENT": "DEFAULT_POLICY",
        "Patience": "RetryPolicy",
        "packing_fetched": "variant_to_download",
        "place": "source_url",
    },
    "conversion_scripts.raw.file_type": {"mismatch": "find_mismatch"},
    "conversion_scripts.raw.locate": {
        "located": "locate_path",
        "located_unpacked": "locate_members",
    },
    "conversion_scripts.readers.hdf5": {"columns": "read_columns", "opened": "open_file"},
    "conversion_scripts.readers.onnx_graph": {"graph_of": "read_graph", "parsed": "parse_model"},
    "conversion_scripts.recipes.nasbench201_final": {
        "weights_of": "conversion_scripts.recipes.shared.nasbench201_cell:count_weights"
    },
    "simulator.adapters.ask_tell": {"Job": "Proposal"},
    "simulator.adapters.library": {"library_seed": "simulator.global_state:library_seed"},
    "simulator.global_state": {"ALONE": "PROCESS_LOCK", "hushed": "silence"},
    "simulator.scheduler_settings": {"shown": "format_call"},
    "simulator": {"recorded": "simulator.results.run:Run.decision_times"},
    "simulator.testing": {"CIRCUMSTANCES": "CONDITIONS"},
    "simulator.schedulers.objective_loss": {"loss_of": "objective_loss"},
    "blackbox_repo.text.humanize": {"counted": "format_count", "in_words": "format_duration"},
    "blackbox_repo.text.progress": {
        "Lines": "LineReporter",
        "Teller": "ProgressReporter",
        "told": "report_progress",
    },
    "blackbox_repo.text.terminal": {"wrapped": "wrap"},
    "simulator.cli.scheduler_list": {
        "Described": "SchedulerInfo",
        "described_libraries": "list_libraries",
        "described_schedulers": "list_schedulers",
    },
    "simulator.results.front": {"front": "compute_front"},
    "simulator.results.timeline": {
        "Moment": "TimelineEntry",
        "Occupation": "WorkerState",
        "cluster_at": "describe_workers",
        "story_of_trial": "describe_trial",
    },
    "simulator.cli.ci": {"failed": "is_failure"},
    "simulator.quality.golden": {"short": "format_configuration"},
    "simulator.quality.markdown": {"markdown": "format_markdown"},
    "simulator.quality.page": {"page": "format_page"},
    "simulator.testing.subprocess_run": {
        "can_be_imported": "is_importable",
        "digest_elsewhere": "digest_in_subprocess",
        "main": "simulator.testing.subprocess_main:main",
    },
    "simulator.cli.command": {"optimized": "optimized_objectives"},
    "simulator.cli.options": {
        "duration": "parse_duration",
        "find_problem": "simulator.problem:find_problem",
        "grouped_settings": "group_settings",
    },
}
"""Module of today -> old name in it -> new name, or ``module:name`` if that is in another module.

The module must be a package whose ``__getattr__`` calls :func:`attribute`, or one of the values of
``MODULES``, of which the old names answer where it is imported by its old name.
"""

ARGUMENTS: dict[str, dict[str, str]] = {
    "conversion_scripts.raw.download.download": {"patience": "retry"},
    "conversion_scripts.recipe.Recipe": {"whole": "expected_size"},
    "simulator.api.simulate": {"patience": "call_timeout"},
}
"""``module.function`` or ``module.Class`` of today -> old argument -> new argument."""

ATTRIBUTES: dict[str, dict[str, str]] = {
    "simulator.testing.contract.SchedulerContract": {"circumstances": "conditions", "made": "make"},
}
"""``module.class`` of today -> old attribute or method -> new one; the class needs :func:`attributes`."""

OPTIONS: dict[str, dict[str, str]] = {"bb-sim": {"--patience": "--call-timeout"}}
"""Program, such as ``bb-sim`` -> old option -> new option."""

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
        _warn(f"{module}.{name}", f"{place or module}.{new}", stacklevel=4)
        return attrgetter(new)(importlib.import_module(place or module))
    old = f"{module}.{name}"
    if old in MODULES:
        _warn(f"the module {old}", MODULES[old], stacklevel=4)
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
        return getattr(owner if instance is None else instance, self._new)


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


def _warn(old: str, new: str, stacklevel: int = 3) -> None:
    message = f"{old} is called {new} now; the old name works for one more release"
    warnings.warn(message, RenamedWarning, stacklevel)


class _MovedModule(ModuleType):
    """A module under its old name; each attribute is looked up in the module of today."""

    today: ModuleType

    def __getattr__(self, name: str) -> Any:
        if name == "__all__":  # of `from module import *`
            public = [word for word in vars(self.today) if not word.startswith("_")]
            return getattr(self.today, name, public)
        if name == "today" or name.startswith("__"):  # what Python asks of a module while it makes one
            raise AttributeError(name)
        if hasattr(self.today, name):
            return getattr(self.today, name)
        return attribute(self.today.__name__, name)

    def __setattr__(self, name: str, value: object) -> None:
        if isinstance(value, _MovedModule) and hasattr(self.today, name):
            return  # Python binds an imported submodule, but there may be a function of its name
        super().__setattr__(name, value)


class _Finder:
    """Finds modules by their old names, and makes them."""

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> ModuleSpec | None:
        if name not in MODULES:
            return None
        is_package = any(other.startswith(f"{name}.") for other in MODULES)
        return ModuleSpec(name, self, origin=MODULES[name], is_package=is_package)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _MovedModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        new = MODULES[module.__name__]
        vars(module)["today"] = importlib.import_module(new)
        _warn(f"the module {module.__name__}", new)


def install() -> None:
    """Let Python find modules by their old names, from now on."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.append(_Finder())
