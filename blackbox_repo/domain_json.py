"""Domains as JSON objects, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from blackbox_repo.domains import Categorical, Constant, Domain, Float, Integer, Ordinal
from blackbox_repo.errors import InvalidSpace

_KINDS: Mapping[str, type[Domain]] = {
    "float": Float,
    "integer": Integer,
    "categorical": Categorical,
    "ordinal": Ordinal,
    "constant": Constant,
}


def domain_to_json(domain: Domain) -> dict[str, Any]:
    """A JSON object with ``type`` and the arguments of the domain."""
    kind = next(kind for kind, cls in _KINDS.items() if type(domain) is cls)
    if isinstance(domain, Constant):
        return {"type": kind, "value": domain.value}
    if isinstance(domain, Float | Integer):
        return {"type": kind, "lower": domain.lower, "upper": domain.upper, "log": domain.log}
    return {"type": kind, "values": list(domain.values)}


def domain_from_json(data: Mapping[str, Any]) -> Domain:
    """The domain that :func:`domain_to_json` wrote."""
    if data.get("type") not in _KINDS:
        raise InvalidSpace(f"the domain type {data.get('type')!r} must be one of {', '.join(_KINDS)}")
    if data["type"] == "constant":
        return Constant(data["value"])
    if data["type"] in ("float", "integer"):
        numeric = Float if data["type"] == "float" else Integer
        return numeric(data["lower"], data["upper"], log=data["log"])
    choices = Categorical if data["type"] == "categorical" else Ordinal
    return choices(tuple(data["values"]))
