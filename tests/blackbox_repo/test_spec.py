from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from blackbox_repo import load_blackbox
from blackbox_repo.errors import FormatError
from blackbox_repo.store.parquet import read_arrays
from blackbox_repo.surrogate.blackbox import NetworkBlackbox
from blackbox_repo.surrogate.network import Network


def parts() -> tuple[dict[str, Any], dict[str, Any]]:
    source = load_blackbox("yahpo-iaml_glmnet")
    path = source.folder / "network.parquet"
    spec = copy.deepcopy(dict(source.manifest.network or {}))
    return dict(read_arrays(path.read_bytes(), path)), spec


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("blocks", "x", "blocks = 'x': expected int, got str"),
        ("blocks", -1, "blocks = -1: expected int >= 0"),
        ("blocks", 5, r"the network lacks 'layers\.4"),
        ("epsilon", 1e300, "epsilon = 1e[+]300"),
        ("more", 1, "object contains unknown field more"),
        ("numeric", [], "numeric: expected array of length >= 1"),
        ("categorical", [], "the shape"),
        ("fidelity", {"input": "trainsize"}, "fidelity: object missing required field offset"),
        ("elapsed", {"output": 3}, "elapsed.output = 3: expected str, got int"),
    ],
)
def test_a_wrong_key_of_a_description_is_named_with_its_value(key: str, value: Any, message: str) -> None:
    arrays, spec = parts()
    with pytest.raises(FormatError, match=message):
        Network(arrays, {**spec, key: value})


@pytest.mark.parametrize(
    "steps",
    [[["add"]], [["add", "1"]], [["log", 1]], [["divide", 0]], [[]], [["sqrt"]], [["add", 1, 2]], [[3]]],
)
def test_wrong_steps_are_named(steps: list[Any]) -> None:
    arrays, spec = parts()
    spec["numeric"][0]["steps"] = steps
    with pytest.raises(FormatError, match="the network's step .* 'alpha'"):
        Network(arrays, spec)


@pytest.mark.parametrize("name", sorted(parts()[0]))
def test_an_array_that_does_not_fit_the_others_is_named(name: str) -> None:
    arrays, spec = parts()
    array = arrays[name]
    for wrong in (
        array[:-1],
        array[..., np.newaxis],
        np.zeros((1,) * array.ndim),
        np.full(array.shape, np.nan),
    ):
        with pytest.raises(FormatError, match="the network|a code beyond them"):
            Network({**arrays, name: wrong}, spec)
    del arrays[name]
    with pytest.raises(FormatError, match="the network lacks"):
        Network(arrays, spec)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": None}, "input 'task_id', which is neither hyperparameter"),
        (
            {"fidelity": {"input": "nothing", "offset": 0}},
            "which is neither hyperparameter, fidelity nor fixed",
        ),
        ({"fidelity": None}, "says nothing of its fidelity"),
    ],
)
def test_a_description_that_does_not_fit_the_schema_is_refused(change: dict[str, Any], message: str) -> None:
    arrays, spec = parts()
    schema = load_blackbox("yahpo-iaml_glmnet")["1067"].schema
    NetworkBlackbox(schema, Network(arrays, spec), 1)
    with pytest.raises(FormatError, match=message):
        NetworkBlackbox(schema, Network(arrays, {**spec, **change}), 1)
    for code in (99, None):
        with pytest.raises(FormatError, match="has the code"):
            NetworkBlackbox(schema, Network(arrays, spec), code)
