"""Raw sources to our parquet, run rarely, one family a file. Imports blackbox_repo; nothing imports it."""

import blackbox_repo  # noqa: F401  old names of modules answer
