"""Convert raw sources to our parquet files; run rarely. It imports blackbox_repo, and nothing imports it."""

import blackbox_repo  # noqa: F401  old names of modules answer
