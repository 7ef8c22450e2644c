"""``python -m blackbox_repo`` is ``bb-repo``."""

from blackbox_repo.cli import main

main()
