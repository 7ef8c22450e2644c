"""Test workers share the cores, where BLAS threads that wait for each other are ten times slower than one."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

pytest_plugins = ["tests.servers.fixtures"]
