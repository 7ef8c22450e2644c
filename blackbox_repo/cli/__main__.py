"""``python -m blackbox_repo.cli`` is ``bb-repo``."""

from blackbox_repo.cli import main

if __name__ == "__main__":  # processes that a command starts import this file, too
    main()
