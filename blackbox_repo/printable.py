"""Text in which no character controls a terminal."""

from __future__ import annotations


def printable(text: object, *, keep: str = "") -> str:
    r"""The text on one line, in which every character that is not printable is replaced by its escape.

    Such characters are control characters (line ends and terminal escape codes among them), characters that
    change the direction of writing or have no width, spaces other than the plain one, lone surrogates, and
    code points that Unicode has not assigned: ``\x1b``, ``\n``, ``\u202e``. Rich markup is not changed: print
    it as a :class:`rich.text.Text`, or on a :class:`blackbox_repo.text.terminal.Terminal`, which ignores it.

    Args:
        text: Anything; its ``str`` is used.
        keep: Characters that are not replaced, such as ``"\n"`` in a block of several lines.
    """
    text = str(text)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in keep else _escape(c) for c in text)


def _escape(character: str) -> str:
    return ascii(character)[1:-1]
