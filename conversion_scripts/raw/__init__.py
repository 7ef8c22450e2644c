"""Raw files of benchmarks: located, downloaded, checked against their hashes, and unpacked within limits."""

from conversion_scripts.raw.folder import RawFolder
from conversion_scripts.raw.raw_file import RawFile, github

__all__ = ["RawFile", "RawFolder", "github"]
