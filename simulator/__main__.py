"""``python -m simulator`` is ``bb-sim``."""

from simulator.cli import main

main()
