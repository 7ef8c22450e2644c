"""Opens fsspec's file systems; storages with the same options share one, and so its connections."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
from collections.abc import Mapping
from typing import Any

from blackbox_repo.errors import InvalidOption
from blackbox_repo.roots.addresses import Address
from blackbox_repo.roots.fsspec_errors import translate

S3 = ("s3", "s3a")
STALLED = 30.0
"""Seconds without a byte after which a connection counts as broken, unless an option says otherwise."""
_CONNECT = 10.0  # seconds
_opened: dict[tuple[int, str, str], Any] = {}


def open_system(address: Address, options: Mapping[str, Any]) -> Any:
    """The file system for an address; an event loop does not survive a fork, so each process has its own.

    Args:
        address: Such as ``s3://bucket/prefix``.
        options: Storage options of fsspec's file system for it.

    Raises:
        InvalidOption: No installed package knows the scheme, or an option is unknown or of the wrong type.
        RootUnavailable: The file system cannot be made.
    """
    key = os.getpid(), address.scheme, _digest(options)
    if key not in _opened:
        _opened[key] = _open(address, options)
    return _opened[key]


def forget_systems() -> None:
    """Let the next one be opened anew, with the credentials that are there then."""
    _opened.clear()


def silence_systems() -> None:
    """Let connections that end with this process, which is interrupted, say nothing on stderr."""
    for system in _opened.values():
        loop = getattr(system, "loop", None)
        if loop is not None:
            loop.set_exception_handler(lambda loop, context: None)


def read_timeout(address: Address, options: Mapping[str, Any]) -> float:
    """The seconds without a byte after which a connection counts as broken.

    Raises:
        InvalidOption: The option has another type.
    """
    client = options.get("config_kwargs", {})
    seconds = client.get("read_timeout", STALLED) if isinstance(client, Mapping) else STALLED
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise InvalidOption(
            f"the option config_kwargs.read_timeout of the root {address} must be a number of seconds"
        )
    return float(seconds)


def _digest(options: Mapping[str, Any]) -> str:
    """What stands for the options and for the variables of AWS, in which there are secrets."""
    variables = sorted((name, value) for name, value in os.environ.items() if name.startswith("AWS_"))
    text = json.dumps([dict(options), variables], sort_keys=True, default=repr)
    return hashlib.sha256(text.encode()).hexdigest()


def _open(address: Address, options: Mapping[str, Any]) -> Any:
    kind = _kind(address)
    settings = dict(options)
    if address.scheme in S3:
        _check_s3_options(address, kind, options)
        # all that may help is repeated elsewhere
        client = {"connect_timeout": _CONNECT, "read_timeout": STALLED, "retries": {"total_max_attempts": 1}}
        settings["config_kwargs"] = {**client, **options.get("config_kwargs", {})}
    try:
        system = kind(**settings, skip_instance_cache=True, use_listings_cache=False)
        system.retries = 1
    except Exception as err:  # whatever the library raises; its text may hold secrets
        raise translate(address.text, "anything", err) from None
    return system


def _kind(address: Address) -> Any:
    scheme = address.scheme
    try:
        import fsspec

        return fsspec.get_filesystem_class(scheme)
    except ImportError as err:
        extra = (
            "pip install 'blackbox-repo[s3]'" if scheme in S3 else f"install what fsspec needs for {scheme}"
        )
        raise InvalidOption(f"the root {address} needs a package that is not installed: {extra}") from err
    except ValueError as err:
        raise InvalidOption(
            f"the root {address} has the scheme {scheme!a}, which fsspec does not know; write s3://, "
            f"https:// or another one"
        ) from err


def _check_s3_options(address: Address, kind: Any, options: Mapping[str, Any]) -> None:
    """Refuse what s3fs would ignore, such as a misspelt endpoint."""
    ours = {"self", "kwargs", "asynchronous", "loop", "session"}
    known = sorted({*inspect.signature(kind.__init__).parameters, "profile"} - ours)
    for name, value in options.items():
        if name not in known:
            raise InvalidOption(
                f"the option {name!a} of the root {address} is not known; s3fs has {', '.join(known)}"
            )
        if name.endswith("_kwargs") and not isinstance(value, dict):
            raise InvalidOption(f"the option {name} of the root {address} must be a table of options")
