"""YAHPO Gym: how the surrogate networks that ``yahpo_data`` publishes become blackboxes.

Pfisterer et al. 2022, https://github.com/slds-lmu/yahpo_gym. The networks are in slds-lmu/yahpo_data, one
folder for each *scenario*. This module holds what is the same for all scenarios; each family of scenarios has
a recipe file of its own.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from blackbox_repo.domains import Categorical, Domain, Float, Integer
from blackbox_repo.errors import FormatError, IntegrityError
from blackbox_repo.numeric.rounding import significant
from blackbox_repo.schema import Fidelity, Objective, Schema
from blackbox_repo.space import Condition, Configuration, Space
from blackbox_repo.store.manifest import Defect, TuningDefaults
from blackbox_repo.surrogate import Network, NetworkBlackbox
from blackbox_repo.surrogate.network import ends
from conversion_scripts.raw import RawFile, RawFolder, github
from conversion_scripts.raw.folder import UNPACKED_LIMIT
from conversion_scripts.readers.onnx_network import Columns, read_network
from conversion_scripts.recipe import Conversion, NetworkWeights, Recipe

REPOSITORY = "slds-lmu/yahpo_data"
COMMIT = "efdab9072f63bd680396cd4b78b927c4a0caaad3"
ZIP = "yahpo_data.zip"
STATISTICS = "global_statistics/instance_target_statistics.csv"
MODEL_BYTES = {
    "lcbench": 2_153_124,
    "rbv2_xgboost": 3_335_828,
    "rbv2_rpart": 1_827_105,
    "iaml_glmnet": 867_133,
}
STATISTICS_SHA256 = "9c7339cf6ae2a10187cea120cc3d290aebf7cff10fa0a5ce8b12adb772bca56b"
ELAPSED, MIN_STEP = "elapsed_time", 0.001
# an objective is flat if it differs by less than _FLAT between _DRAWN random configurations
_DRAWN, _FLAT = 50, 0.002
_TRIED = 5  # configurations of each task that are checked for finite values where no objective is watched
CITATION = (
    "Florian Pfisterer, Lennart Schneider, Julia Moosbauer, Martin Binder and Bernd Bischl. YAHPO Gym - "
    "An Efficient Multi-Objective Multi-Fidelity Benchmark for Hyperparameter Optimization. "
    "International Conference on Automated Machine Learning (AutoML), 2022. Training runs: "
)
OLD_MODELS = Defect(
    "the source has models of before 1.0 too, which take one configuration at a time and give other values",
    "those of 1.0 are read, others refused; do not compare with results of YAHPO Gym before 1.0",
)
BOUNDS = Defect(
    "bounds of logarithmic ranges went through exp and log, and are such as 0.00010000000000000009",
    "written short where that lies within the source's bounds, as 0.1 for 0.10000000000000002; else as they "
    "are, for YAHPO Gym refuses what lies outside, such as 0.0001",
)


@dataclass(frozen=True)
class Scenario:
    """What a conversion must know of a scenario beside its three files.

    Args:
        name: The folder of the scenario in ``yahpo_data``.
        sha256: The hashes of ``config_space.json``, ``encoding.json`` and ``model.onnx``; an unknown one is
            empty.
        columns: The ``cat_names``, ``cont_names`` and ``y_names`` of the package ``yahpo_gym`` 1.0.
        fidelity: The fidelities of the blackbox, under the name of the network's input.
        bounds: The range of that input in the source's space.
        objectives: The objectives of the blackbox, in order; the last is the elapsed time.
        target: The objective that is optimized.
        time: The output of the network from which the elapsed time is computed.
        task: The categorical input that selects the data set; ``None`` if there is only one.
        only: The name of the only data set, if ``task`` is ``None``.
        fixed: The values of numeric inputs that are neither hyperparameter nor fidelity.
        offset: This number is added to a fidelity of ours to get the network's.
        zero_at: The network's fidelity at which the elapsed time is 0; ``None`` if it is 0 before the first.
        decimals: Whether outputs are also rounded to decimals, because small values are differences of
            large ones.
        watched: The titles of tasks name those of these objectives that hardly differ between configurations.
        several: The data sets with several classes, for which f1 means nothing.
        called: The word that the title of a task begins with, before its name.
    """

    name: str
    sha256: tuple[str, str, str]
    columns: Columns
    fidelity: Fidelity
    bounds: tuple[float, float]
    objectives: tuple[Objective, ...]
    target: str
    time: str
    task: str | None = "task_id"
    only: str = ""
    fixed: Mapping[str, float] = field(default_factory=dict)
    offset: int = 0
    zero_at: int | None = None
    decimals: bool = True
    watched: tuple[str, ...] = ()
    several: frozenset[str] = frozenset()
    called: str = "OpenML data set"

    @property
    def files(self) -> tuple[RawFile, ...]:
        """The space, the encoding and the network of the scenario, and the statistics of all scenarios."""
        names = ("config_space.json", "encoding.json", "model.onnx")
        files = [_file(f"{self.name}/{name}", sha) for name, sha in zip(names, self.sha256, strict=True)]
        files[-1] = replace(files[-1], about=MODEL_BYTES.get(self.name, 0))
        return (*files, _file(STATISTICS, STATISTICS_SHA256))


def surrogate(name: str, goal: Any, unit: str = "", description: str = "") -> Objective:
    """An objective that a network predicts; the elapsed time is cumulative."""
    return Objective(name, goal, unit, description, cumulative=name == ELAPSED, provenance="surrogate")


def make_recipe(
    scenario: Scenario, *, title: str, training_runs: str, card: tuple[Defect, ...], default: TuningDefaults
) -> Recipe:
    """The recipe ``yahpo-SCENARIO``.

    Args:
        scenario: The scenario that it converts.
        title: One line that describes the scenario.
        training_runs: The citation of the paper that made the training runs.
        card: What is odd in the source.
        default: The workers and the budget of a simulated run unless the user gives others.
    """
    return Recipe(
        name=f"yahpo-{scenario.name}",
        title=f"YAHPO Gym 1.0, {title}",
        license="Apache-2.0",
        citation=CITATION + training_runs,
        homepage="https://github.com/slds-lmu/yahpo_gym",
        version="1.1",
        files=scenario.files,
        card=card,
        convert=partial(_convert, scenario),
        default=default,
        needs=("onnx",),
    )


def _file(path: str, sha256: str) -> RawFile:
    """A file of a release: it may lie in a folder of that name, in a checkout, or in a zip file of one."""
    here = github(f"yahpo_v1.0/{path}", REPOSITORY, COMMIT, path, sha256)
    variants = (replace(here, name=f"yahpo_data/{path}"), replace(here, name=path))
    return replace(here, instead=(*variants, RawFile(ZIP, REPOSITORY, commit=COMMIT)))


def _convert(scenario: Scenario, raw: RawFolder) -> Conversion:
    contents = _read_contents(raw, scenario.files)
    space, encoding, model, statistics = (contents[file.path] for file in scenario.files)
    described, codes = json.loads(space), json.loads(encoding)
    schema = _schema(scenario, described)
    arrays, spec = read_network(model, codes, scenario.columns)
    elapsed = {"output": scenario.time, "zero_at": scenario.zero_at, "min_step": MIN_STEP}
    fidelity = {"input": scenario.fidelity.name, "offset": scenario.offset}
    spec |= {"task": scenario.task, "fidelity": fidelity, "fixed": dict(scenario.fixed), "elapsed": elapsed}
    for output in spec["outputs"]:
        low, high = _output_range(output)
        if scenario.decimals:  # so many that it has nine or ten digits at the end of its range
            output["decimals"] = max(0, 9 - math.floor(math.log10(abs(high - low))))
    weights = NetworkWeights(arrays, spec, _tasks(scenario, described, codes))
    ranges = _read_ranges(scenario, statistics, schema)
    return Conversion(schema, network=weights, titles=_make_titles(scenario, schema, weights), ranges=ranges)


def _read_contents(raw: RawFolder, files: Iterable[RawFile]) -> dict[str, bytes]:
    """The contents of the files by their paths in ``yahpo_data``."""
    zipped = [file for file in files if raw.variant(file.name) == ZIP]
    contents = {file.path: raw.bytes(file.name) for file in files if file not in zipped}
    return contents | _unzip(raw, {file.path: file for file in zipped}) if zipped else contents


def _unzip(raw: RawFolder, wanted: Mapping[str, RawFile]) -> dict[str, bytes]:
    contents = {}
    for member in raw.members(next(iter(wanted.values())).name):
        path = member.name.partition("/")[2]  # below the folder that GitHub puts around a repository
        if path in wanted:
            if member.size > UNPACKED_LIMIT:
                raise FormatError(
                    f"{member.name} in {ZIP} unpacks to {member.size} bytes, more than the limit of "
                    f"{UNPACKED_LIMIT}"
                )
            contents[path] = content = member.content(UNPACKED_LIMIT)
            found = hashlib.sha256(content).hexdigest()
            if wanted[path].sha256 not in ("", found):
                raise IntegrityError(
                    f"{member.name} in {ZIP} is not the file that this recipe knows: its sha256 is {found}, "
                    f"expected {wanted[path].sha256}; take the zip file of commit {COMMIT[:12]}"
                )
    lacking = [path for path in wanted if path not in contents]
    if lacking:
        raise FormatError(f"{ZIP} lacks {lacking!r}; take the zip file of {REPOSITORY} at {COMMIT[:12]}")
    return contents


def _schema(scenario: Scenario, described: Mapping[str, Any]) -> Schema:
    if described["forbiddens"]:
        raise FormatError(f"the space of {scenario.name} forbids combinations, which we do not know")
    entries = {entry["name"]: entry for entry in described["hyperparameters"]}
    fidelity = entries.pop(scenario.fidelity.name)
    if (fidelity["lower"], fidelity["upper"]) != scenario.bounds:
        raise FormatError(
            f"{scenario.fidelity.name!r} must go from {scenario.bounds}, not as in {fidelity!r}"
        )
    domains = {
        name: _domain(entry)
        for name, entry in entries.items()
        if name != scenario.task and name not in scenario.fixed
    }
    conditions: dict[str, tuple[Condition, ...]] = {}
    for child, condition in _conditions(described["conditions"]):
        conditions[child] = (*conditions.get(child, ()), condition)
    space = Space(domains, conditions)
    return Schema(space, scenario.fidelity, scenario.objectives, scenario.target, time=ELAPSED)


def _domain(entry: Mapping[str, Any]) -> Domain:
    if entry["type"] == "categorical":
        return Categorical(tuple(entry["choices"]))
    lower, upper = (
        max(entry["lower"], _shorten(entry["lower"])),
        min(entry["upper"], _shorten(entry["upper"])),
    )
    if entry["type"] == "uniform_int":
        return Integer(int(lower), int(upper), log=entry["log"])
    if entry["type"] == "uniform_float":
        return Float(lower, upper, log=entry["log"])
    raise FormatError(f"the hyperparameter {entry['name']!r} is of the unknown type {entry['type']!r}")


def _shorten(bound: float) -> float:
    """A bound as it was meant: those of logarithmic ranges went through exp and log in the source."""
    short = significant(bound, 12)
    return short if math.isclose(short, bound, rel_tol=1e-14) else bound


def _conditions(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Condition]]:
    """The conditions, each with its child; all of a child's conditions must hold."""
    for entry in entries:
        if entry["type"] == "AND":
            yield from _conditions(entry["conditions"])
        elif entry["type"] in ("EQ", "IN"):
            values = (entry["value"],) if entry["type"] == "EQ" else tuple(entry["values"])
            yield entry["child"], Condition(entry["parent"], values)
        else:
            raise FormatError(f"the condition {dict(entry)!r} must be of the type EQ, IN or AND")


def _tasks(
    scenario: Scenario, described: Mapping[str, Any], codes: Mapping[str, Mapping[str, int]]
) -> dict[str, int | None]:
    """The code of each task, in the order of the tasks' numbers."""
    if scenario.task is None:
        return {scenario.only: None}
    choices = next(e["choices"] for e in described["hyperparameters"] if e["name"] == scenario.task)
    return {task: codes[scenario.task][task] for task in sorted(choices, key=int)}


def _read_ranges(
    scenario: Scenario, statistics: bytes, schema: Schema
) -> dict[str, dict[str, tuple[float, float]]]:
    """The smallest and the largest value that the source found, by task and objective.

    A time that is counted from another point than in the source has none.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for row in csv.DictReader(io.StringIO(statistics.decode())):
        if row["scenario"] == scenario.name:
            ends_of = found.setdefault(row["instance"], {}).setdefault(row["metric"], {})
            ends_of[row["statistic"]] = float(row["value"])
    names = {o.name: scenario.time if o.name == schema.time else o.name for o in schema.objectives}
    if scenario.zero_at is not None:
        del names[str(schema.time)]
    return {
        task: {name: (known[of]["min"], known[of]["max"]) for name, of in names.items()}
        for task, known in found.items()
    }


def _make_titles(scenario: Scenario, schema: Schema, weights: NetworkWeights) -> dict[str, str]:
    """The title of each task, which names the watched objectives that hardly differ at the last fidelity."""
    fidelity = replace(schema.fidelity, values=schema.fidelity.values[-1:])
    network, whole = Network(weights.arrays, weights.spec), replace(schema, fidelity=fidelity)
    drawn = [schema.space.sample("flat", k) for k in range(_DRAWN if scenario.watched else _TRIED)]
    titles = {}
    for task, code in weights.codes.items():
        values = _evaluate(NetworkBlackbox(whole, network, code), drawn, task)
        flat = [name for name in scenario.watched if max(values[name]) - min(values[name]) < _FLAT]
        titles[task] = _make_title(scenario, task, flat)
    return titles


def _evaluate(blackbox: NetworkBlackbox, drawn: Sequence[Configuration], task: str) -> dict[str, list[float]]:
    """The last values of each objective, one for each configuration; all of them are finite."""
    names = [objective.name for objective in blackbox.schema.objectives]
    try:
        with np.errstate(all="ignore"):
            curves = blackbox.curves(drawn)
            values = {name: [curve.point(name, 0) for curve in curves] for name in names}
    except (OverflowError, ValueError):  # exact sums fail where values are not finite
        values = {"": [math.nan]}
    if not all(math.isfinite(value) for of in values.values() for value in of):
        raise FormatError(f"the network gives values on {task!r} that are not finite")
    return values


def _make_title(scenario: Scenario, task: str, flat: Sequence[str]) -> str:
    title = f"{scenario.called} {task}"
    if task in scenario.several:
        title += ", several classes: f1 means nothing"
        flat = [name for name in flat if name != "f1"]
    return title + (f"; nearly constant: {', '.join(flat)}" if flat else "")


def _output_range(output: Mapping[str, Any]) -> tuple[float, float]:
    """The range of an output: two finite numbers."""
    with np.errstate(all="ignore"):
        low, high = ends(output["steps"])
    if not (math.isfinite(low) and math.isfinite(high) and low != high):
        raise FormatError(f"the output {output['name']!r} of the network lies between {low} and {high}")
    return low, high


def network_card(*, tolerance: str) -> tuple[Defect, ...]:
    """What is odd in every scenario.

    Args:
        tolerance: How close the values are to onnxruntime's, in words.
    """
    return (
        Defect(
            "every value is the prediction of a neural network that was fitted to training runs; it knows no "
            "seeds and no noise",
            "one seed, 0; all objectives are marked as surrogate",
        ),
        Defect(
            "onnxruntime's results depend on the batch size and processor, and its sigmoid is approximate",
            "the network is evaluated in float64, and each output rounded to 6 significant digits, but never "
            "finer than to a thousand-millionth of its range; the outputs agree with onnxruntime's "
            f"{tolerance}",
        ),
        Defect(
            "the scaling of its inputs shows that the network was fitted to runs outside the source's space "
            "too, and to none in parts of it",
            "the source's space is kept, as it is what published benchmarks search",
        ),
        Defect(
            "the smallest and largest values that the source gives for each data set were found among half a "
            "million random configurations at all fidelities",
            "they are the known ranges of the objectives; a value may lie outside",
        ),
        Defect(
            "in most scenarios some hyperparameters only exist where another has certain values; the "
            "networks were fitted with something in the place of those that do not",
            "the space has these conditions, and an inactive hyperparameter is refused in a configuration; "
            "the network gets the code of #na# for a choice and 0 for a number, as from the package "
            "yahpo_gym",
        ),
        OLD_MODELS,
        BOUNDS,
    )
