from __future__ import annotations

import subprocess
import sys

QUIET = """
import sys
from blackbox_repo.text.late_progress import report_once_used
with report_once_used("seldom") as progress:
    assert "rich" not in sys.modules
    if len(sys.argv) > 1:
        progress.step("something")
        progress.amount("a.parquet", 1, 2)
assert ("rich" in sys.modules) == (len(sys.argv) > 1)
"""


def test_nothing_is_imported_until_something_is_reported() -> None:
    for reports in ((), ("yes",)):
        subprocess.run([sys.executable, "-c", QUIET, *reports], check=True)
