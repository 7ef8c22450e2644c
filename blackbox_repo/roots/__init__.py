"""Places that hold blackboxes, such as folders and buckets: finding, fetching, publishing and pinning."""

from blackbox_repo.roots.packages import (
    PATH_VARIABLE,
    find_blackboxes,
    find_missing_packages,
    locate,
    roots,
)

__all__ = ["PATH_VARIABLE", "find_blackboxes", "find_missing_packages", "locate", "roots"]
