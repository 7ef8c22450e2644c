"""Domains as JSON objects, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from blackbox_repo import typed_json
from blackbox_repo.domains import Categorical, Constant, Domain, Float, Integer, Ordinal
from blackbox_repo.errors import FormatError

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
    arguments = {field.name: getattr(domain, field.name) for field in fields(domain)}
    return {"type": kind, **{name: list(v) if isinstance(v, tuple) else v for name, v in arguments.items()}}


def domain_from_json(data: Mapping[str, Any], where: str = "the domain") -> Domain:
    """The domain that :func:`domain_to_json` wrote.

    Args:
        data: The JSON object.
        where: A name of the object for messages.

    Raises:
        FormatError: The object is malformed, or the domain contradicts itself.
    """
    kind = data.get("type")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise FormatError(f"{where} is malformed: type = {kind!r}: must be one of {', '.join(_KINDS)}")
    arguments = {name: value for name, value in data.items() if name != "type"}
    return typed_json.convert(arguments, _KINDS[kind], where)
