"""``python -m conversion_scripts`` is ``bb-convert``."""

from conversion_scripts.cli import main

main()
