"""``python -m conversion_scripts`` is ``bb-convert``."""

from conversion_scripts.cli import main

if __name__ == "__main__":  # processes that a command starts import this file, too
    main()
