"""Raw files of benchmarks: found, fetched, checked against their hashes, and unpacked with limits."""

from conversion_scripts.raw.folder import RawFile, RawFolder

__all__ = ["RawFile", "RawFolder"]
