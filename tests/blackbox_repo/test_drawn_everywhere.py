"""Draws are the same whatever the processor can do, whatever its C library's exp, log and pow (T16)."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.drawn import digest

ROOT = Path(__file__).parents[2]
EXPECTED = "c9ef9cc35858fb0db0727f7b09c01bf821a61f7488a4d89289deb84114f2301a"
UMATH = getattr(np, "_core", None) or np.core  # the latter up to numpy 1.26
DISPATCHED = list(UMATH._multiarray_umath.__cpu_dispatch__)
COMPILER = shutil.which("cc")
OTHER_LIBM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <math.h>
#define OFF(name) double name(double x) { \\
    static double (*real)(double); \\
    if (!real) real = (double (*)(double)) dlsym(RTLD_NEXT, #name); \\
    double y = real(x); \\
    return isfinite(y) && y != 0 ? nextafter(y, x * 1e3 - floor(x * 1e3) > 0.5 ? INFINITY : -INFINITY) : y; }
OFF(exp) OFF(exp2) OFF(expm1) OFF(log) OFF(log2) OFF(log10) OFF(log1p)
double pow(double x, double z) {
    static double (*real)(double, double);
    if (!real) real = (double (*)(double, double)) dlsym(RTLD_NEXT, "pow");
    double y = real(x, z);
    return isfinite(y) && y != floor(y) ? nextafter(y, INFINITY) : y; }
"""


def in_another_process(code: str = "from tests.drawn import digest; print(digest())", **others: str) -> str:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("NPY_")}
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**plain, "PYTHONPATH": str(ROOT), **others},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_draws_are_the_same_under_this_version_of_numpy() -> None:
    assert digest() == EXPECTED


@pytest.mark.parametrize("disabled", [DISPATCHED, DISPATCHED[len(DISPATCHED) // 2 :], DISPATCHED[-1:]])
def test_draws_are_the_same_with_fewer_vector_instructions(disabled: list[str]) -> None:
    assert in_another_process(NPY_DISABLE_CPU_FEATURES=" ".join(disabled)) == EXPECTED


@pytest.mark.skipif(
    sys.platform != "linux" or COMPILER is None, reason="puts another C library before the system's"
)
def test_draws_are_the_same_with_a_c_library_that_rounds_otherwise(tmp_path: Path) -> None:
    """The values of its exponentials, logarithms and powers are off by one unit in the last place."""
    source, library = tmp_path / "libm.c", tmp_path / "libm.so"
    source.write_text(OTHER_LIBM)
    subprocess.run(
        [str(COMPILER), "-shared", "-fPIC", "-fno-builtin", "-o", str(library), str(source), "-ldl", "-lm"],
        check=True,
    )
    e = in_another_process("import math; print(math.exp(1.0).hex())", LD_PRELOAD=str(library))
    assert e != (2.718281828459045).hex()
    assert in_another_process(LD_PRELOAD=str(library)) == EXPECTED
