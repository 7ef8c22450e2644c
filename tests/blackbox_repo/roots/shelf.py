"""A place for a root in a bucket, and what tests do there beside the project."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from blackbox_repo.roots.packages import PACKAGE_FOLDER
from blackbox_repo.roots.source import Source
from blackbox_repo.store.manifest import CHECKSUM_FILE, MANIFEST_FILE
from tests.servers.fixtures import Bucket

PACKAGE = Source(("package",))


class Shelf:
    """A place for a root in a bucket, whose options lie in a configuration file."""

    def __init__(self, bucket: Bucket, settings: Path) -> None:
        self.bucket, self.proxy, self._settings = bucket, bucket.proxy, settings
        self.url = f"{bucket.url}/shelf"
        self.source = Source((self.url,))
        self.set_options()

    def set_options(self, **changed: object) -> None:
        """Write the configuration file, with some options instead of those that work."""
        write_settings(self._settings, self.bucket.url, {**self.bucket.options, **changed})

    @cached_property
    def files(self) -> Any:
        """The bucket as s3fs has it, past the proxy."""
        import s3fs

        options = {**self.bucket.options, "endpoint_url": self.bucket.server.address}
        return s3fs.S3FileSystem(**options, use_listings_cache=False, skip_instance_cache=True)

    def place(self, path: str) -> str:
        return f"{self.bucket.name}/shelf/{path}"

    def paths(self) -> list[str]:
        """All files of the root."""
        return [found.removeprefix(self.place("")) for found in self.files.find(self.place(""))]

    def read(self, path: str) -> bytes:
        return bytes(self.files.cat_file(self.place(path)))

    def write(self, path: str, content: bytes) -> None:
        self.files.pipe_file(self.place(path), content)


def edited_copy(folder: Path, title: str) -> Path:
    """A blackbox of ours under another title, so with another manifest."""
    shutil.copytree(PACKAGE_FOLDER / "nasbench-macro", folder)
    content = json.dumps({**json.loads((folder / MANIFEST_FILE).read_bytes()), "title": title}).encode()
    (folder / MANIFEST_FILE).write_bytes(content)
    (folder / CHECKSUM_FILE).write_text(f"{hashlib.sha256(content).hexdigest()}  {MANIFEST_FILE}\n")
    return folder


def write_settings(file: Path, address: str, options: Mapping[str, object]) -> None:
    """A configuration file with options for a root; text and numbers are written in TOML as in JSON."""
    lines = [f"[options.{json.dumps(address)}]"]
    for name, value in options.items():
        table = value if isinstance(value, Mapping) else {"": value}
        lines += [f"{name}{'.' if key else ''}{key} = {json.dumps(each)}" for key, each in table.items()]
    file.write_text("\n".join([*lines, ""]), encoding="utf-8")
