"""A fitted surrogate as flat arrays with a description in JSON, and back; nothing of it is code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np

from blackbox_repo import typed_json
from blackbox_repo.curve import Array
from blackbox_repo.errors import BlackboxRepoError, FormatError
from blackbox_repo.schema import Schema
from blackbox_repo.surrogate.boosted import Boosted
from blackbox_repo.surrogate.encoding import Encoding
from blackbox_repo.surrogate.forest import Forest
from blackbox_repo.surrogate.info import SurrogateInfo
from blackbox_repo.surrogate.knn import Knn
from blackbox_repo.surrogate.model import CurveModel
from blackbox_repo.surrogate.noise import Noise
from blackbox_repo.surrogate.surrogate_blackbox import SurrogateBlackbox

KINDS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Array], Schema], CurveModel]] = {
    "forest": Forest.of,
    "knn": Knn.of,
    "boosted": Boosted.of,
}
"""Kind -> what makes a model of its description and arrays again."""


class _Model(msgspec.Struct, forbid_unknown_fields=True):
    seed: int
    spec: dict[str, Any]


class _Spec(msgspec.Struct, forbid_unknown_fields=True):
    models: list[_Model]
    noise: dict[str, Any] | None = None


def flatten(surrogate: SurrogateBlackbox) -> tuple[dict[str, Any], dict[str, Array]]:
    """What a surrogate consists of: a JSON object, and name -> array.

    The arrays of the first seed are called ``0.NAME``, those of the second ``1.NAME``, and so on, and those
    of its noise ``noise.NAME``.

    Raises:
        InvalidOption: It is foreign code, which can only stay in memory.
    """
    models, arrays = [], dict[str, Array]()
    for number, (seed, model) in enumerate(surrogate.models.items()):
        models.append({"seed": seed, "spec": model.spec()})
        arrays |= {f"{number}.{name}": array for name, array in model.arrays().items()}
    if surrogate.noise is None:
        return {"models": models}, arrays
    arrays |= {f"noise.{name}": array for name, array in surrogate.noise.arrays().items()}
    return {"models": models, "noise": surrogate.noise.spec()}, arrays


def unflatten(
    spec: Mapping[str, Any], arrays: Mapping[str, Array], schema: Schema, info: SurrogateInfo, name: str
) -> SurrogateBlackbox:
    """The surrogate that :func:`flatten` took apart.

    Args:
        spec: The JSON object.
        arrays: Name -> array.
        schema: What the objectives mean, over the space of the surrogate.
        info: What it was fitted to, and how.
        name: What messages call it.

    Raises:
        FormatError: They do not fit together.
    """
    read = typed_json.convert(dict(spec), _Spec, f"the description of {name}")
    parts = [_take(arrays, str(number)) for number in range(len(read.models))]
    of_noise = {} if read.noise is None else _take(arrays, "noise")
    seeds = [each.seed for each in read.models]
    if not seeds or len(set(seeds)) < len(seeds) or sum(map(len, [*parts, of_noise])) < len(arrays):
        raise FormatError(
            f"{name} has {len(arrays)} arrays and models of the seeds {seeds!r}, which do not fit"
        )
    models = {
        each.seed: _model(each.spec, part, schema, name)
        for each, part in zip(read.models, parts, strict=True)
    }
    noise = None if read.noise is None else _noise(read.noise, of_noise, schema, name)
    return SurrogateBlackbox(schema, models, info, noise=noise, name=name)


def _noise(spec: Mapping[str, Any], arrays: Mapping[str, Array], schema: Schema, name: str) -> Noise:
    try:
        return Noise.of(spec, arrays, schema)
    except (BlackboxRepoError, ValueError, TypeError, LookupError, OverflowError) as err:
        raise FormatError(f"{name} cannot be made of its arrays: {err}") from err


def _take(arrays: Mapping[str, Array], part: str) -> dict[str, Array]:
    beginning = f"{part}."
    return {
        name.removeprefix(beginning): array for name, array in arrays.items() if name.startswith(beginning)
    }


def _model(spec: Mapping[str, Any], arrays: Mapping[str, Array], schema: Schema, name: str) -> CurveModel:
    kind = str(spec.get("kind"))
    if kind not in KINDS:
        raise FormatError(f"{name} is a model of the kind {kind!r}, but this code reads {', '.join(KINDS)}")
    try:
        model = KINDS[kind](spec, arrays, schema)
        _check(model, schema)
    except (BlackboxRepoError, ValueError, TypeError, LookupError, OverflowError) as err:
        raise FormatError(f"{name} cannot be made of its arrays: {err}") from err
    return model


def _check(model: CurveModel, schema: Schema) -> None:
    """Refuse a model that needs other features, or predicts other objectives, than the schema has."""
    features = len(Encoding(schema.space).names)
    if model.features > features:
        raise FormatError(f"it needs {model.features} features, but the space has {features}")
    found = model.predict(np.zeros((1, features)))
    wanted = {o.name: (1, 1 if o.constant else len(schema.fidelity.values)) for o in schema.objectives}
    shapes = {name: values.shape for name, values in found.items()}
    if shapes != wanted:
        raise FormatError(f"it predicts {shapes!r}, but the schema says {wanted!r}")
