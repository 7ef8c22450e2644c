"""Errors of fsspec and its file systems as ours; no text of theirs is repeated, as it may hold secrets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from blackbox_repo.errors import NotInRoot, RootUnavailable
from blackbox_repo.roots.storage import AccessRefused

_CODE = re.compile(r"[A-Za-z0-9]{1,60}")
_CREDENTIALS = {
    "ExpiredToken": "the credentials have expired; get new ones",
    "ExpiredTokenException": "the credentials have expired; get new ones",
    "TokenRefreshRequired": "the credentials have expired; get new ones",
    "InvalidAccessKeyId": "it does not know the access key; name another profile",
    "SignatureDoesNotMatch": "the secret key is not that of the access key",
}
_REMEDIES = {
    **_CREDENTIALS,
    "RequestTimeTooSkewed": "the clock of this machine is wrong; set it",
    "AuthorizationHeaderMalformed": "the region is wrong; set client_kwargs.region_name",
    "PermanentRedirect": "the bucket lies in another region; set client_kwargs.region_name",
    "RecursionError": "the bucket lies in another region; set client_kwargs.region_name",
    "NoSuchBucket": "there is no such bucket",
    "ParamValidationError": "the bucket has a name that S3 does not admit",
    "TypeError": "an option is unknown, or of the wrong type",
    "ValueError": "an option has a value that it cannot have, such as an endpoint_url without https://",
    "SlowDown": "it is asked too often; try again later",
    "NoCredentialsError": "no credentials were found; name a profile, or set anon = true if it is public",
    "ProfileNotFound": "there is no such profile",
    "EndpointConnectionError": "nothing answers there; check the address, endpoint_url and the network",
    "ClientConnectorError": "nothing answers there; check the address and the network",
}
_PASSING = {
    *("InternalError", "ServiceUnavailable", "SlowDown", "OperationAborted", "ConditionalRequestConflict"),
    *("429", "500", "502", "503", "504"),
    *("ConnectionClosedError", "EndpointConnectionError", "ClientConnectorError", "ServerDisconnectedError"),
    *("ClientPayloadError", "ResponseStreamingError", "IncompleteReadError", "FlexibleChecksumError"),
}
_SECONDS = "it did not answer in time; try again, or set config_kwargs.read_timeout"
_REFUSED = (
    "it refuses access; check the credentials and what they permit (on S3 a file that does not exist is "
    "refused, too, to those who may not list the bucket)"
)


def translate(address: str, path: str, err: BaseException) -> RootUnavailable:
    """The error to raise instead.

    Args:
        address: The root.
        path: The file or folder that was asked for.
        err: What the file system raised.
    """
    codes = list(_codes(err))
    if isinstance(err, FileNotFoundError) and "NoSuchBucket" not in codes:
        return NotInRoot(f"the root {address} has no {path}")
    where = "[options] in the configuration file; see bb-repo config"
    reason = next((_REMEDIES[code] for code in codes if code in _REMEDIES), "")
    kind = AccessRefused if not reason and isinstance(err, PermissionError) else RootUnavailable
    if kind is AccessRefused:
        reason = _REFUSED
    if not reason and any("timeout" in code.lower() for code in codes):
        reason = _SECONDS
    reason = reason or "it did not answer properly; try again later"
    return kind(
        f"the root {address} does not give {path}: {reason} ({' / '.join(dict.fromkeys(codes))}; {where})"
    )


def is_taken(err: BaseException) -> bool:
    """Whether a conditional write was refused because the file exists or has changed."""
    return isinstance(err, FileExistsError) or not {"PreconditionFailed", "412"}.isdisjoint(_codes(err))


def concerns_credentials(err: BaseException) -> bool:
    """Whether other credentials would help."""
    return not _CREDENTIALS.keys().isdisjoint(_codes(err))


def is_beyond_the_end(err: BaseException) -> bool:
    """Whether a part of a file was requested that begins after its end."""
    return not {"InvalidRange", "416"}.isdisjoint(_codes(err))


def may_pass(err: BaseException) -> bool:
    """Whether the same request may succeed if it is repeated."""
    codes = list(_codes(err))
    return any(code in _PASSING or "timeout" in code.lower() for code in codes)


def _codes(err: BaseException) -> Iterator[str]:
    """The names of an error and of what caused it, and the codes that a server gave."""
    seen: list[BaseException] = []
    cause: BaseException | None = err
    while cause is not None and cause not in seen:
        seen.append(cause)
        response = getattr(cause, "response", None)
        if isinstance(response, dict):
            code = str(response.get("Error", {}).get("Code", ""))
            if _CODE.fullmatch(code):
                yield code
        yield type(cause).__name__
        cause = cause.__cause__ or cause.__context__
