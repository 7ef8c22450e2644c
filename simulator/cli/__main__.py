"""``python -m simulator.cli`` is ``bb-sim``."""

from simulator.cli import main

if __name__ == "__main__":  # processes that a command starts import this file, too
    main()
