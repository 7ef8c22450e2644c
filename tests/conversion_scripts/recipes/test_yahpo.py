"""All scenarios of YAHPO Gym: real files where they are here, else small models in the official layout.

The layout is what the package yahpo_gym 1.0.2 reads: its configuration.py, lines 35 to 62 (the names of the
files), and its benchmark_set.py, lines 385 to 454 (encoding and space); one test asks it.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from blackbox_repo import load_blackbox
from blackbox_repo.benchmark import available_benchmarks
from blackbox_repo.curve import Array
from blackbox_repo.domains import Float, Integer
from blackbox_repo.errors import FormatError, IntegrityError, InvalidConfiguration, InvalidOption
from blackbox_repo.store.manifest import Manifest
from blackbox_repo.surrogate import Network, NetworkBlackbox
from conversion_scripts.build import build
from conversion_scripts.raw import RawFolder
from conversion_scripts.recipe import Conversion
from conversion_scripts.recipes.shared.yahpo import COMMIT, STATISTICS
from conversion_scripts.recipes.yahpo_rbv2 import SEVERAL_CLASSES
from conversion_scripts.registry import all_recipes, load_recipe
from simulator import RandomSearch, Stop, simulate
from tests.conversion_scripts.frames import RAW, converted, needs_raw, raw_bytes
from tests.conversion_scripts.onnx_models import Graph, onnx

FIXTURES = Path(__file__).parents[2] / "fixtures"
SCENARIOS = [name.removeprefix("yahpo-") for name in all_recipes() if name.startswith("yahpo-")]
MEASURED = ["lcbench", "rbv2_rpart", "rbv2_xgboost", "iaml_glmnet"]
WITHOUT_MODEL = [name for name in SCENARIOS if name not in MEASURED]
BASE = "yahpo_v1.0"
NO_HYPERPARAMETERS = {"OpenML_task_id", "task_id", "epoch", "trainsize", "repl"}
FRACTIONS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)


@cache
def real(scenario: str) -> Conversion:
    return converted(f"yahpo-{scenario}")


@cache
def network(scenario: str) -> Network:
    if scenario in ("lcbench", "iaml_glmnet"):
        loaded = load_blackbox(f"yahpo-{scenario}")
        task = loaded[next(iter(loaded))]
        assert isinstance(task, NetworkBlackbox)
        return task._network
    made = real(scenario).network
    assert made is not None
    return Network(made.arrays, made.spec)


def fixture(scenario: str) -> dict[str, Array]:
    with np.load(FIXTURES / f"yahpo_{scenario}_onnxruntime.npz") as stored:
        return {name: stored[name].astype(np.int64 if name == "codes" else np.float64) for name in stored}


def official(folder: Path, scenario: str) -> Path:
    """A checkout of yahpo_data with the real descriptions of a scenario and a small model of its size."""
    here = folder / scenario
    here.mkdir(parents=True)
    for name in ("config_space.json", "encoding.json"):
        (here / name).write_bytes(raw_bytes(f"{BASE}/{scenario}/{name}"))
    statistics = folder / STATISTICS
    statistics.parent.mkdir(exist_ok=True)
    statistics.write_bytes(raw_bytes(f"{BASE}/{STATISTICS}"))
    (here / "model.onnx").write_bytes(small_model(scenario))
    return folder


def small_model(scenario: str) -> bytes:
    encoding = json.loads(raw_bytes(f"{BASE}/{scenario}/encoding.json"))
    columns = load_recipe(f"yahpo-{scenario}").convert.args[0].columns  # type: ignore[attr-defined]  a partial
    rows = [len(encoding[name]) for name in columns.categorical]
    return Graph().surrogate(rows, len(columns.numeric), len(columns.outputs)).model()


@cache
def space_of(scenario: str) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(raw_bytes(f"{BASE}/{scenario}/config_space.json"))
    return described


def holds(condition: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Our own reading of ConfigSpace's conditions."""
    if condition["type"] == "AND":
        return all(holds(part, values) for part in condition["conditions"])
    wanted = [condition["value"]] if condition["type"] == "EQ" else condition["values"]
    return values.get(condition["parent"]) in wanted


# --- agreement with onnxruntime and onnx --------------------------------------------------------------------


@pytest.mark.parametrize(
    "scenario",
    [
        "iaml_glmnet",
        "lcbench",
        pytest.param("rbv2_rpart", marks=needs_raw),
        pytest.param("rbv2_xgboost", marks=needs_raw),
    ],
)
@pytest.mark.parametrize("batch", ["single", "batch"])
def test_outputs_agree_with_onnxruntime(scenario: str, batch: str) -> None:
    stored = fixture(scenario)
    theirs, ours = stored[batch], network(scenario).evaluate(stored["codes"], stored["numbers"])
    tolerance = np.maximum(1e-5 * np.abs(theirs), 5e-7 * np.ptp(theirs, axis=0))
    distance = np.abs(ours - theirs) / tolerance
    if scenario == "rbv2_xgboost":  # float32 through five wide blocks: the next test shows which is right
        assert np.sum(distance > 1) <= 5
        assert distance.max() < 5
    else:
        assert distance.max() <= 1


@needs_raw
@pytest.mark.parametrize("scenario", MEASURED)
def test_outputs_are_those_of_the_graph_in_float64_by_onnxs_reference(scenario: str) -> None:
    stored = fixture(scenario)
    known = fixture(scenario)["single"]
    far = np.abs(network(scenario).evaluate(stored["codes"], stored["numbers"]) - known)
    far /= np.maximum(1e-5 * np.abs(known), 5e-7 * np.ptp(known, axis=0))
    rows = np.argsort(far.max(axis=1))[-40:]  # where onnxruntime is farthest
    codes, numbers = stored["codes"][rows], stored["numbers"][rows]
    theirs = in_float64(raw_bytes(f"{BASE}/{scenario}/model.onnx"), codes, numbers)
    ours = network(scenario).raw(codes, numbers)
    assert np.max(np.abs(ours - theirs) / (np.abs(theirs) + 1e-9)) < 1e-9
    rounded = network(scenario).evaluate(codes, numbers)
    assert np.all(np.abs(rounded - theirs) <= 5e-6 * np.abs(theirs) + 1e-9 * (1 + np.ptp(known, axis=0)))


def in_float64(model: bytes, codes: Array, numbers: Array) -> Array:
    """The graph as it is, but in double precision throughout."""
    from onnx.reference import ReferenceEvaluator

    proto = onnx.load_model_from_string(model)
    single, double = onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE

    def widened(tensor: Any) -> Any:
        array = onnx.numpy_helper.to_array(tensor)
        return (
            onnx.numpy_helper.from_array(array.astype(np.float64), tensor.name)
            if tensor.data_type == single
            else tensor
        )

    for tensor in proto.graph.initializer:
        tensor.CopyFrom(widened(tensor))
    for node in proto.graph.node:
        for attribute in node.attribute:
            if node.op_type == "Constant":
                attribute.t.CopyFrom(widened(attribute.t))
            elif node.op_type == "Cast" and attribute.i == single:
                attribute.i = double
    for value in (*proto.graph.input, *proto.graph.output):
        if value.type.tensor_type.elem_type == single:
            value.type.tensor_type.elem_type = double
    proto.opset_import[0].version = 15  # the reference takes an older BatchNormalization to be in training
    evaluator = ReferenceEvaluator(proto)
    outputs: Array = evaluator.run(None, {"x_cat": codes.astype(np.int32), "x_cont": numbers})[0]
    assert outputs.dtype == np.float64
    return outputs


@needs_raw
def test_hyperparameters_were_active_and_inactive_where_agreement_was_measured() -> None:
    stored, spec = fixture("rbv2_xgboost"), network("rbv2_xgboost").spec
    columns = {entry["name"]: stored["numbers"][:, k] for k, entry in enumerate(spec["numeric"])}
    inactive = {name: int(np.sum(column == 0.0)) for name, column in columns.items() if np.any(column == 0)}
    trees = ("colsample_bylevel", "colsample_bytree", "eta", "gamma", "max_depth", "min_child_weight")
    assert set(inactive) == {*trees, "rate_drop", "skip_drop"}
    assert all(200 < inactive[name] < 450 for name in trees)
    assert 550 < inactive["rate_drop"] < 750
    assert set(columns["repl"]) == set(range(1, 11))


# --- every scenario -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def conversion(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Conversion]:
    """A scenario with its real model, or else with a small one."""

    @cache
    def made(scenario: str) -> Conversion:
        if scenario in MEASURED:
            return real(scenario)
        recipe = load_recipe(f"yahpo-{scenario}")
        folder = official(tmp_path_factory.mktemp(scenario), scenario)
        return recipe.convert(RawFolder(folder, recipe.files))

    return made


def blackbox(made: Conversion, task: str) -> NetworkBlackbox:
    assert made.network is not None
    weights = Network(made.network.arrays, made.network.spec)
    return NetworkBlackbox(made.schema, weights, made.network.codes[task])


def test_there_are_fourteen_scenarios() -> None:
    assert len(SCENARIOS) == 14


@needs_raw
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_configuration_has_what_the_sources_conditions_make_active(
    scenario: str, conversion: Callable[[str], Conversion]
) -> None:
    described = space_of(scenario)
    names = {entry["name"] for entry in described["hyperparameters"]} - NO_HYPERPARAMETERS
    conditions = {condition["child"]: condition for condition in described["conditions"]}
    space = conversion(scenario).schema.space
    assert set(space.domains) == names
    assert set(space.conditions) == set(conditions)
    for k in range(200):
        drawn = space.sample("conditions", k)
        active = {name for name in names if name not in conditions or holds(conditions[name], drawn)}
        assert set(drawn) == active
        assert space.check(drawn) == drawn


@needs_raw
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_an_inactive_hyperparameter_is_refused(
    scenario: str, conversion: Callable[[str], Conversion]
) -> None:
    space = conversion(scenario).schema.space
    seen = set()
    for k in range(60):
        drawn = space.sample("refused", k)
        for name in set(space.domains) - set(drawn):
            seen.add(name)
            with pytest.raises(InvalidConfiguration, match=f"{name}=.* is inactive here"):
                space.check({**drawn, name: space.domains[name].at(0.5)})
    assert seen == set(space.conditions)


@needs_raw
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_bounds_are_the_sources_but_for_what_exp_and_log_did_to_them(
    scenario: str, conversion: Callable[[str], Conversion]
) -> None:
    for entry in space_of(scenario)["hyperparameters"]:
        domain = conversion(scenario).schema.space.domains.get(entry["name"])
        if isinstance(domain, Float | Integer):
            assert (domain.lower, domain.upper) == pytest.approx((entry["lower"], entry["upper"]), rel=1e-14)
            assert (
                entry["lower"] <= domain.lower <= domain.upper <= entry["upper"]
            )  # YAHPO Gym refuses others
            assert domain.log == entry["log"]
        elif domain is not None:
            assert list(domain.values) == entry["choices"]


@needs_raw
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_tasks_are_the_sources_instances_with_their_codes(
    scenario: str, conversion: Callable[[str], Conversion]
) -> None:
    made = conversion(scenario)
    assert made.network is not None
    encoding = json.loads(raw_bytes(f"{BASE}/{scenario}/encoding.json"))
    instances = {row["instance"] for row in statistics() if row["scenario"] == scenario}
    assert set(made.network.codes) == instances
    name = made.network.spec["task"]
    assert made.network.codes == {t: None if name is None else encoding[name][t] for t in instances}


@needs_raw
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_curves_are_what_the_network_makes_of_the_encoded_configuration(
    scenario: str, conversion: Callable[[str], Conversion]
) -> None:
    made = conversion(scenario)
    assert made.network is not None
    spec, schema = made.network.spec, made.schema
    weights = Network(made.network.arrays, spec)
    task = sorted(made.network.codes)[0]
    for k in range(5):
        drawn = schema.space.sample("encoded", k)
        values = {**drawn, "repl": 10, spec["task"]: task}
        codes = [entry["codes"][values.get(entry["name"], "#na#")] for entry in spec["categorical"]]
        fidelities = np.array(schema.fidelity.values) + (scenario == "lcbench")
        rows = [
            [{**values, schema.fidelity.name: f}.get(entry["name"], 0) for entry in spec["numeric"]]
            for f in fidelities
        ]
        outputs = weights.evaluate(np.array([codes] * len(rows)), np.array(rows, dtype=np.float64))
        curve = blackbox(made, task).curve(drawn)
        for column, entry in enumerate(spec["outputs"]):
            if entry["name"] in {objective.name for objective in schema.objectives}:
                assert curve[entry["name"]].tobytes() == np.ascontiguousarray(outputs[:, column]).tobytes()


@needs_raw
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_official_package_reads_these_files_and_finds_the_same(
    scenario: str, conversion: Callable[[str], Conversion], tmp_path: Path
) -> None:
    """yahpo_gym 1.0, where it is installed: BenchmarkSet.objective_function() checks conditions too."""
    theirs = pytest.importorskip("yahpo_gym")
    folder = RAW / BASE if scenario in MEASURED else official(tmp_path, scenario)
    theirs.local_config._config = {"data_path": str(folder)}
    bench = theirs.BenchmarkSet(scenario, multithread=False)
    made = conversion(scenario)
    assert made.network is not None
    schema, task = made.schema, sorted(made.network.codes)[-1]
    ours = blackbox(made, task)
    names = [objective.name for objective in schema.objectives if objective.name != "elapsed_time"]
    seen = []
    for k in range(30):
        drawn = schema.space.sample("yahpo_gym", k)
        point = 7 * k % len(schema.fidelity.values)
        asked = {**drawn, schema.fidelity.name: schema.fidelity.values[point] + (scenario == "lcbench")}
        asked |= {"repl": 10} if scenario.startswith("rbv2") else {}
        asked |= {} if bench.config.instance_names is None else {bench.config.instance_names: task}
        (found,) = bench.objective_function(asked)
        curve = ours.curve(drawn)
        seen.append([(curve[name][point], found[name]) for name in names])
    values, expected = np.moveaxis(np.array(seen, dtype=np.float64), 2, 0)
    tolerance = np.maximum(1e-4 * np.abs(expected), 5e-6 * np.ptp(expected, axis=0))  # of single precision
    assert np.all(np.abs(values - expected) <= tolerance)


@needs_raw
def test_epochs_are_one_training_and_fractions_are_trainings_of_their_own(
    conversion: Callable[[str], Conversion],
) -> None:
    fidelities = {scenario: conversion(scenario).schema.fidelity for scenario in SCENARIOS}
    described = {(f.name, f.kind, f.describe()) for s, f in fidelities.items() if s.startswith("rbv2")}
    assert described == {
        ("trainsize", "independent", "0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1")
    }
    described = {(f.name, f.kind, f.describe()) for s, f in fidelities.items() if s.startswith("iaml")}
    assert described == {("trainsize", "independent", "0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1")}
    for scenario, values in (("lcbench", "1..50"), ("nb301", "1..98")):
        found = fidelities[scenario]
        assert (found.name, found.kind, found.describe()) == ("epoch", "incremental", values)


@needs_raw
def test_the_time_of_a_fraction_is_that_of_its_own_training(conversion: Callable[[str], Conversion]) -> None:
    made = conversion("rbv2_rpart")
    assert made.network is not None
    column = [entry["name"] for entry in made.network.spec["outputs"]].index("timetrain")
    fell = 0
    for k in range(20):
        drawn = made.schema.space.sample("time", k)
        curve = blackbox(made, "12").curve(drawn)
        rows = [[*(drawn[n] for n in ("cp", "maxdepth", "minbucket", "minsplit")), f, 10] for f in FRACTIONS]
        codes = [
            made.network.codes["12"],
            made.network.spec["categorical"][1]["codes"][drawn["num.impute.selected.cpo"]],
        ]
        weights = Network(made.network.arrays, made.network.spec)
        seconds = weights.evaluate(np.array([codes] * 12), np.array(rows))[:, column]
        assert curve["elapsed_time"].tolist() == [max(0.001, round(s, 6)) for s in seconds.tolist()]
        fell += bool(np.any(np.diff(curve["elapsed_time"]) < 0))
    assert fell  # it need not rise


@needs_raw
def test_known_ranges_are_the_sources_and_reach_the_schema(tmp_path: Path) -> None:
    manifest = build(load_recipe("yahpo-rbv2_rpart"), RAW, tmp_path)
    loaded = load_blackbox(tmp_path / "yahpo-rbv2_rpart")
    for task in ("3", "41212"):
        known = {
            (row["metric"], row["statistic"]): float(row["value"])
            for row in statistics()
            if (row["scenario"], row["instance"]) == ("rbv2_rpart", task)
        }
        for objective in loaded[task].schema.objectives:
            metric = "timetrain" if objective.name == "elapsed_time" else objective.name
            assert objective.known_range == (known[metric, "min"], known[metric, "max"])
    assert manifest.schema.objectives[0].known_range is None


@needs_raw
def test_known_ranges_of_lcbench_are_those_of_all_but_the_time() -> None:
    loaded = load_blackbox("yahpo-lcbench")
    known = {
        (row["instance"], row["metric"], row["statistic"]): float(row["value"])
        for row in statistics()
        if row["scenario"] == "lcbench"
    }
    for task in loaded:
        schema = loaded[task].schema
        for objective in schema.objectives:
            ends = None
            if objective.name != schema.time:
                ends = (known[task, objective.name, "min"], known[task, objective.name, "max"])
            assert objective.known_range == ends


def test_every_target_of_a_published_problem_has_a_known_range() -> None:
    """Of those whose blackbox is here."""
    problems = [b for b in available_benchmarks() if b.name.startswith("yahpo-")]
    assert len(problems) >= 6
    for problem in problems:
        schema = load_blackbox(problem.blackbox)[problem.task].schema
        for name in problem.objectives:
            low, high = schema.objective(name).known_range or (0.0, 0.0)
            assert low < high, (problem.name, name)


def test_a_digest_does_not_depend_on_known_ranges() -> None:
    known = load_blackbox("yahpo-lcbench")["3945"]
    assert isinstance(known, NetworkBlackbox)
    unknown = known.schema.with_ranges({})
    stripped = replace(unknown, objectives=tuple(replace(o, known_range=None) for o in unknown.objectives))
    assert stripped != known.schema
    assert NetworkBlackbox(stripped, known._network, 34).digest() == known.digest()
    assert NetworkBlackbox(stripped, known._network, 33).digest() != known.digest()


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_card_tells_of_conditions_and_older_models(scenario: str) -> None:
    whats = " ".join(defect.what for defect in load_recipe(f"yahpo-{scenario}").card)
    rules = " ".join(defect.rule for defect in load_recipe(f"yahpo-{scenario}").card)
    assert "do not compare with results of YAHPO Gym before 1.0" in rules
    if scenario == "lcbench":  # which has no conditions, and ranges that are not only those of our epochs
        assert "the smallest and largest values that the source gives for each data set are those of" in whats
        assert "the known ranges of all objectives but elapsed_time" in rules
    else:
        assert "only exist where another has certain values" in whats
        assert "the network gets the code of #na# for a choice and 0 for a number" in rules


@needs_raw
def test_the_sources_ranges_of_lcbench_are_of_the_untrained_network_too() -> None:
    """Its least time of 3945 is that of point 1; training to point 2 takes twice as long at least."""
    (least,) = (
        float(row["value"])
        for row in statistics()
        if (row["scenario"], row["instance"], row["metric"], row["statistic"])
        == ("lcbench", "3945", "time", "min")
    )
    weights, stored = network("lcbench"), fixture("lcbench")
    codes = np.full_like(stored["codes"], weights.spec["categorical"][0]["codes"]["3945"])
    shortest = {}
    for point in (1, 2):
        numbers = stored["numbers"].copy()
        numbers[:, [entry["name"] for entry in weights.spec["numeric"]].index("epoch")] = point
        outputs = weights.evaluate(codes, numbers)
        shortest[point] = outputs[:, [entry["name"] for entry in weights.spec["outputs"]].index("time")].min()
    assert least < shortest[1] < 1.5 * least
    assert shortest[2] > 2 * least


@needs_raw
def test_titles_mark_data_sets_of_several_classes_and_dead_objectives() -> None:
    titles = real("rbv2_rpart").titles
    assert titles["3"] == "OpenML data set 3"
    assert titles["12"] == "OpenML data set 12, several classes: f1 means nothing"
    assert titles["4135"] == "OpenML data set 4135; nearly constant: f1"
    assert titles["42"] == "OpenML data set 42, several classes: f1 means nothing; nearly constant: bac, auc"
    assert real("lcbench").titles["3945"] == "OpenML task 3945"
    values = [blackbox(real("rbv2_rpart"), "42").evaluate(c) for c in some_configurations("rbv2_rpart", 10)]
    assert {(point["auc"], point["bac"]) for point in values} == {(0.0, 0.0)}


def some_configurations(scenario: str, count: int) -> list[dict[str, Any]]:
    return [real(scenario).schema.space.sample("some", k) for k in range(count)]


@needs_raw
def test_f1_is_small_on_data_sets_of_several_classes_only() -> None:
    largest: dict[str, list[float]] = {}
    for row in statistics():
        if row["scenario"].startswith("rbv2") and (row["metric"], row["statistic"]) == ("f1", "max"):
            largest.setdefault(row["instance"], []).append(float(row["value"]))
    assert set(largest) >= SEVERAL_CLASSES
    assert {task for task, of in largest.items() if min(of) < 0.2} == SEVERAL_CLASSES | {"4135"}


@cache
def statistics() -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(raw_bytes(f"{BASE}/{STATISTICS}").decode())))


@needs_raw
def test_a_network_that_gives_no_numbers_is_refused(tmp_path: Path) -> None:
    folder = official(tmp_path, "iaml_xgboost")
    model = onnx.load_model_from_string(small_model("iaml_xgboost"))
    for step in (node for node in model.graph.node if node.op_type == "Div" and len(node.input) == 2):
        if "x_cont" in nodes_before(model, step):
            step.op_type = "Exp"  # of thousands of rounds
            del step.input[1]
    (folder / "iaml_xgboost" / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(FormatError, match=r"the network gives values on '\d+' that are not finite"):
        build(load_recipe("yahpo-iaml_xgboost"), folder, tmp_path / "out")


def nodes_before(model: Any, step: Any) -> list[str]:
    """What the node takes whose output this step takes."""
    return [name for node in model.graph.node if node.output[0] == step.input[0] for name in node.input]


@needs_raw
@pytest.mark.parametrize(
    ("operation", "value", "ends"), [("Mul", 1e-30, "1.0 and 1.0"), ("Log", None, "-inf and 0.0")]
)
def test_an_output_without_a_range_is_refused(
    tmp_path: Path, operation: str, value: float | None, ends: str
) -> None:
    folder = official(tmp_path, "nb301")
    model = onnx.load_model_from_string(small_model("nb301"))
    nodes = {node.output[0]: node for node in model.graph.node}
    step = next(node for node in reversed(model.graph.node) if node.op_type == "Mul")
    if value is not None:
        nodes[step.input[1]].attribute[0].t.CopyFrom(onnx.numpy_helper.from_array(np.array(value, "f4")))
    else:
        step.op_type = operation
        del step.input[1]
    add = next(node for node in reversed(model.graph.node) if node.op_type == "Add")
    if value is None:
        nodes[add.input[1]].attribute[0].t.CopyFrom(onnx.numpy_helper.from_array(np.array(0, "f4")))
    (folder / "nb301" / "model.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(FormatError, match=rf"the output 'runtime' of the network lies between {ends}"):
        build(load_recipe("yahpo-nb301"), folder, tmp_path / "out")


# --- where the files come from ------------------------------------------------------------------------------


@needs_raw
@pytest.mark.parametrize("scenario", WITHOUT_MODEL)
def test_a_model_that_is_not_there_is_named_with_its_place(scenario: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidOption) as refused:
        build(load_recipe(f"yahpo-{scenario}"), RAW, tmp_path)
    message = str(refused.value)
    assert f"lacks 1 of the 4 files needed: '{BASE}/{scenario}/model.onnx'" in message
    assert f"{scenario}/model.onnx of slds-lmu/yahpo_data at commit {COMMIT[:12]}" in message
    assert list(tmp_path.iterdir()) == []


@needs_raw
@pytest.mark.parametrize("scenario", WITHOUT_MODEL)
def test_models_of_before_1_0_are_refused(scenario: str, tmp_path: Path) -> None:
    folder = official(tmp_path, scenario)
    shutil.copy(RAW / "yahpo_v0" / scenario / "new_model.onnx", folder / scenario / "model.onnx")
    with pytest.raises(FormatError, match=r"fixed batch size 1: the model is one of before YAHPO Gym 1\.0"):
        build(load_recipe(f"yahpo-{scenario}"), folder, tmp_path / "out")


@needs_raw
def test_an_empty_model_is_named(tmp_path: Path) -> None:
    model = official(tmp_path, "rbv2_ranger") / "rbv2_ranger" / "model.onnx"
    model.write_bytes(b"")
    with pytest.raises(
        FormatError, match=rf"^the model needs the operations \[\].* {model} is empty: delete it and fetch"
    ):
        build(load_recipe("yahpo-rbv2_ranger"), tmp_path, tmp_path / "out")


@needs_raw
def test_a_checkout_may_lie_in_the_raw_folder_or_be_it(tmp_path: Path) -> None:
    official(tmp_path / "yahpo_data", "iaml_super")
    recipe = load_recipe("yahpo-iaml_super")
    inside, itself = (build(recipe, raw, tmp_path / raw.name) for raw in (tmp_path, tmp_path / "yahpo_data"))
    assert inside.tasks == itself.tasks
    assert inside.sources[0].file == "yahpo_data/iaml_super/config_space.json"
    assert itself.sources[0].file == "iaml_super/config_space.json"


def zipped(folder: Path, target: Path, without: str = "", changed: str = "") -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_file() and name != without:
                content = path.read_bytes() + b" " * (name == changed)
                archive.writestr(f"yahpo_data-1.0/{name}", content)


@needs_raw
def test_the_zip_file_of_a_release_gives_the_same(tmp_path: Path) -> None:
    folder = official(tmp_path / "checkout", "rbv2_super")
    zipped(folder, tmp_path / "yahpo_data.zip")
    recipe = load_recipe("yahpo-rbv2_super")
    made: list[Manifest] = [build(recipe, raw, tmp_path / f"{raw.name}-out") for raw in (tmp_path, folder)]
    assert made[0].tasks == made[1].tasks
    assert [source.file for source in made[0].sources] == ["yahpo_data.zip"]


@needs_raw
def test_a_zip_file_with_another_or_no_file_is_refused(tmp_path: Path) -> None:
    folder = official(tmp_path / "checkout", "nb301")
    recipe = load_recipe("yahpo-nb301")
    zipped(folder, tmp_path / "yahpo_data.zip", without="nb301/model.onnx")
    with pytest.raises(
        FormatError, match=r"yahpo_data.zip lacks \['nb301/model.onnx'\]; take the zip file of"
    ):
        build(recipe, tmp_path, tmp_path / "out")
    zipped(folder, tmp_path / "yahpo_data.zip", changed="nb301/encoding.json")
    with pytest.raises(
        IntegrityError, match="yahpo_data-1.0/nb301/encoding.json in yahpo_data.zip is not the"
    ):
        build(recipe, tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists() or list((tmp_path / "out").iterdir()) == []


@needs_raw
def test_a_bomb_in_the_zip_file_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conversion_scripts.recipes.shared.yahpo.UNPACKED_LIMIT", 1_000_000)
    folder = official(tmp_path / "checkout", "nb301")
    (folder / "nb301" / "model.onnx").write_bytes(bytes(1_000_001))
    zipped(folder, tmp_path / "yahpo_data.zip")
    with pytest.raises(FormatError, match="nb301/model.onnx in yahpo_data.zip unpacks to 1000001 bytes, m"):
        build(load_recipe("yahpo-nb301"), tmp_path, tmp_path / "out")


# --- in a simulation ----------------------------------------------------------------------------------------


def test_a_simulation_pays_for_each_fraction_by_itself() -> None:
    surrogate = load_blackbox("yahpo-iaml_glmnet")["1067"]
    run = simulate(surrogate, RandomSearch, workers=2, stop=Stop(trials_completed=6), seed=3)
    assert [report["fidelity"] for report in run.reports().to_pylist()] == [1] * 6
    completed = [segment for segment in run.segments().to_pylist() if segment["outcome"] == "completed"]
    assert len(completed) == 6
    for segment in completed:
        seconds = surrogate.evaluate(run.configuration(segment["trial"]))["elapsed_time"]
        assert segment["ended"] - segment["started"] == pytest.approx(seconds)


def test_the_tasks_of_a_blackbox_share_one_network() -> None:
    first, second = load_blackbox("yahpo-iaml_glmnet"), load_blackbox("yahpo-iaml_glmnet")
    networks = {id(box._network) for box in (*first.values(), *second.values())}  # type: ignore[attr-defined]
    assert len(networks) == 1
    assert len({box.digest() for box in first.values()}) == 4
