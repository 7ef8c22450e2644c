"""Runs a command until it ends or standard input is closed, as happens when its writer dies.

``leash.py COMMAND...``: however a test session ends, even by kill -9, its servers end with it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Start the command in a process group of its own; the exit status is the command's."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # sent to the owner and to all it started
        signal.signal(ending, lambda *_: None)
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)

    def end_with_the_owner() -> None:
        while os.read(0, 1024):
            pass
        os.killpg(server.pid, signal.SIGKILL)

    threading.Thread(target=end_with_the_owner, daemon=True).start()
    return server.wait()


if __name__ == "__main__":
    os._exit(main() & 255)  # without waiting for the thread, which reads
