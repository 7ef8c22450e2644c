"""What the command lines share: one clear line for what went wrong, and the exit status that says so."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

import typer

from blackbox_repo.errors import BlackboxRepoError

# typer depended on click and now carries a copy of it; this way finds both through typer's public names
_UsageError: Any = typer.BadParameter.__bases__[0]
_ClickException: Any = _UsageError.__bases__[0]

FAILED, INTERRUPTED, TERMINATED, BROKEN_PIPE = 2, 130, 143, 1  # the last as typer has it


def run(app: typer.Typer, name: str) -> NoReturn:
    """Run a command line and exit: 0, or 2 with one line on stderr that begins ``<name>: error:``.

    Errors of this project, of usage and of the operating system become that line; anything else is a bug and
    keeps its traceback. Ctrl-C exits with 130, a closed pipe with 1, both in silence.

    Args:
        app: The commands; their own exit status is kept.
        name: What the command is called in messages and help.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        status = app(prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # the interpreter flushes stdout once more when it ends; let that go nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(BROKEN_PIPE)
    except _UsageError as err:
        if type(err).__name__ == "NoArgsIsHelpError":  # its message is the whole help
            err.show()
            sys.exit(FAILED)
        _fail(name, err)
    except (BlackboxRepoError, OSError, _ClickException) as err:
        _fail(name, err)
    sys.exit(status if isinstance(status, int) else 0)


def _fail(name: str, err: Exception) -> NoReturn:
    print(f"{name}: error: {describe(err)}", file=sys.stderr)  # noqa: T201  the one place
    sys.exit(FAILED)


def describe(err: Exception) -> str:
    """An error as one line."""
    if isinstance(err, _ClickException):
        text = err.format_message()
        context = getattr(err, "ctx", None)
        text += f" (see {context.command_path} --help)" if context is not None else ""
    elif isinstance(err, OSError) and err.filename is not None:
        text = f"{err.filename}: {err.strerror}"
    else:
        text = str(err)
    return " ".join(text.split())


def _terminate(signum: int, _frame: object) -> NoReturn:
    # an exception, not the default sudden end, so that temporary files are removed on the way out
    sys.exit(TERMINATED)


__all__ = ["describe", "run"]
