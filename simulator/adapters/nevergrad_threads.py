"""Optimizers of other libraries inside Nevergrad, which run in threads, made to take turns with the caller.

Nevergrad lets such a thread go on while others draw from the same global random state, so two runs of a
portfolio of them differ. Here a caller that gives a thread its answer waits until the thread asks again or
has ended.
"""

from __future__ import annotations

import queue
import threading
from typing import Any


class _Questions(queue.Queue[Any]):
    """The questions of a thread; the last one is ``None`` or an error."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.over = False

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002  as there
        self.over = item is None or isinstance(item, Exception)
        super().put(item, block, timeout)
        self.asked.set()


class _Answers(queue.Queue[Any]):
    """The answers that a thread gets; to put one waits for the thread's next question."""

    def __init__(self, thread: Any) -> None:
        super().__init__()
        self._thread = thread

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:  # noqa: FBT001, FBT002  as there
        self._thread.messages_ask.asked.clear()
        super().put(item, block, timeout)
        if item is not None:  # which means that the thread is to end, whenever it can
            self._thread.wait()


def take_turns(recaster: Any) -> None:
    """Let the threads of ``nevergrad.optimization.recaster`` take turns from now on."""
    if hasattr(recaster._MessagingThread, "wait"):  # noqa: SLF001  there is no other way in
        return

    class TurnTaking(recaster._MessagingThread):  # type: ignore[misc]  # noqa: SLF001  see above
        daemon = (
            True  # a thread ends with its optimizer, which Python may collect after it has waited for threads
        )

        def __init__(self, *given: Any, **named: Any) -> None:
            super().__init__(*given, **named)
            self.messages_ask, self.messages_tell = _Questions(), _Answers(self)

        def start(self) -> None:
            super().start()
            self.wait()

        def wait(self) -> None:
            self.messages_ask.asked.wait()
            if self.messages_ask.over:
                self.join()

    recaster._MessagingThread = TurnTaking  # noqa: SLF001  see above
