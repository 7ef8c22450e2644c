"""Places that hold blackboxes (folders, packages, buckets, web servers): finding, fetching, publishing, pinning."""

from blackbox_repo.roots.packages import (
    PATH_VARIABLE,
    find_blackboxes,
    find_missing_packages,
    locate,
    roots,
)

__all__ = ["PATH_VARIABLE", "find_blackboxes", "find_missing_packages", "locate", "roots"]
