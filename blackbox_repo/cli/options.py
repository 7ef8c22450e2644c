"""Options that several commands have: which roots are searched, and how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from blackbox_repo.repository import list_blackboxes
from blackbox_repo.roots.source import Source


def complete_name(incomplete: str) -> list[str]:
    """The names of blackboxes that begin like this."""
    return [name for name in list_blackboxes() if name.startswith(incomplete)]


AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME",
        help="A blackbox, by its name (see bb-repo list) or the path of its folder.",
        autocompletion=complete_name,
    ),
]
Roots = Annotated[
    list[str] | None,
    typer.Option(
        "--root",
        metavar="ROOT",
        help="Search this root, and no others; may be repeated. A root is a folder, an address such as "
        "s3://bucket/prefix or https://host/prefix, or the word package, user or packages.",
    ),
]
Offline = Annotated[
    bool, typer.Option("--offline", help="Use only what is on this machine; no connection is opened.")
]
Version = Annotated[
    str | None, typer.Option("--version", metavar="V", help="The version; the default is the newest.")
]


def make_source(
    root: Sequence[str] | None,
    *,
    offline: bool = False,
    convert: bool = False,
    objectives: Sequence[str] | None = None,
) -> Source:
    """The source that these options describe."""
    return Source(root or None, offline=offline, convert=convert, objectives=objectives or None)
