"""No test with an official loader is skipped for ever: tests/peers/run knows all that need an environment."""

from __future__ import annotations

import re
from pathlib import Path

from tests.peers.peers import CONVERSIONS, PEERS

HERE = Path(__file__).parent
SKIPPED = r"^def (test_\w+)\((?:(?!^def ).)*?theirs = pytest\.importorskip\("


def test_every_test_that_asks_for_a_loader_is_run_where_it_is_installed() -> None:
    asking = {
        f"{CONVERSIONS}/{file.relative_to(HERE).as_posix()}::{test}"
        for file in HERE.rglob("test_*.py")
        for test in re.findall(SKIPPED, file.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    }
    named = {test for peer in PEERS.values() for test in peer.tests if test.startswith(CONVERSIONS)}
    assert asking == named
