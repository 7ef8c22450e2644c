"""What all command lines do alike: an error is one clear line on stderr and an exit status."""

from __future__ import annotations

import shutil
import signal
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from blackbox_repo import __version__, deprecated
from blackbox_repo.errors import BlackboxRepoError, CacheWarning
from blackbox_repo.text import streams
from blackbox_repo.text.plain_text import printable

# typer depended on click and now carries a copy of it; this way finds both through typer's public names
_UsageError: Any = typer.BadParameter.__bases__[0]
_ClickException: Any = _UsageError.__bases__[0]

BUG, FAILED, BY_SIGNAL = 1, 2, 128
_NARROWEST, _WIDEST = 30, 100  # width of a help page


class Interrupted(BaseException):
    """A signal that ends a command: Ctrl-C, SIGTERM, or SIGPIPE when the reader has closed the pipe.

    It is raised, so that unfinished work is cleaned up before the process ends. It is no ``Exception``, so
    that no scheduler or library catches it.

    Args:
        signum: Number of the signal; the exit status is 128 more.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum
        self.kept = ""


@contextmanager
def interruptible(kept: Callable[[], str]) -> Iterator[None]:
    """If the command is interrupted within this, its message says what was kept and how to continue.

    Args:
        kept: Called on an interruption; returns that part of the message.
    """
    try:
        yield
    except Interrupted as err:
        err.kept = err.kept or kept()
        raise


class _ReadableHelp:
    """A help page that can be read in a narrow terminal too."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Give two thirds of the width to what an option does; a long option stands in a line of its own."""
        formatter.write_dl = partial(formatter.write_dl, col_max=min(30, formatter.width // 3))
        super().format_help(ctx, formatter)  # type: ignore[misc]  # of the command it is mixed into


class StrictCommand(_ReadableHelp, TyperCommand):
    """A command that refuses an option given twice where it takes one value."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Check that no option is given twice, then parse."""
        if not ctx.resilient_parsing:
            _, _, given = self.make_parser(ctx).parse_args(list(args))
            for option, times in Counter(given).items():
                if times > 1 and _takes_one_value(option):
                    raise _UsageError(f"{option.opts[-1]} is given {times} times, but takes one value", ctx)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; a closed pipe has an exit status of its own, which no command uses otherwise."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as err:
            raise Interrupted(_SIGPIPE) from err


class CommandGroup(_ReadableHelp, TyperGroup):
    """Several commands; the help page has the whole first sentence of each."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands, each on as many lines as it needs."""
        commands = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, (command.help or "").partition("\n\n")[0]) for name, command in commands if command]
        with formatter.section("Commands"):
            formatter.write_dl([(name, " ".join(about.split())) for name, about in rows])


_SIGPIPE = int(getattr(signal, "SIGPIPE", 13))


def _takes_one_value(option: Any) -> bool:
    return option.param_type_name == "option" and not (option.is_flag or option.multiple or option.count)


class CommandLine(typer.Typer):
    """A command line; calling it without arguments runs what was typed, and exits as :func:`run` does.

    Args:
        program: Its name in messages and help.
        settings: Arguments of ``typer.Typer``.
    """

    def __init__(self, program: str, **settings: Any) -> None:
        super().__init__(**settings)
        self._program = program

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command that was typed."""
        if args or kwargs:
            return super().__call__(*args, **kwargs)
        return run(self, self._program)


def command_line(program: str, about: str) -> CommandLine:
    """A command line to which commands are added; it has ``-h`` and ``--version``, and completes names.

    Args:
        program: Its name in messages and help.
        about: Its purpose in a sentence or two.
    """
    app = CommandLine(
        program,
        cls=CommandGroup,
        no_args_is_help=True,
        help=about,
        rich_markup_mode=None,
        context_settings=dict(HELP_OPTIONS),
    )

    @app.callback()
    def _(version: Version = False) -> None:  # noqa: FBT002  a flag of the command line
        del version

    return app


HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}


def _print_version(asked: bool) -> None:  # noqa: FBT001  typer calls it
    if asked:
        typer.echo(f"blackbox-repo {__version__}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit."),
]


def examples(*commands: str) -> str:
    """The end of a help page: commands to try, each on its own line; ``#`` begins a remark.

    Args:
        commands: The commands as they are typed.
    """
    return "\n".join(["\b", "Try:", *(f"  {command}" for command in commands)])


def run(app: typer.Typer, name: str) -> NoReturn:
    """Run a command line and exit: 0, or 2 with one line on stderr that begins ``<name>: error:``.

    Errors of this project, of usage and of the operating system become that line; any other error is a bug
    and is shown with its traceback. Ctrl-C exits with 130 and one line that says what was kept, a closed
    pipe with 141 and without a message.

    Args:
        app: The commands; if one of them exits with a status of its own, that is kept.
        name: The name of the command in messages and help.
    """
    streams.prepare()
    with _signals_as_exceptions(), _warnings_in_a_line(name):
        status = _run(app, name)
    sys.exit(status)


def _run(app: typer.Typer, name: str) -> int:
    width = min(max(shutil.get_terminal_size().columns - 1, _NARROWEST), _WIDEST)
    typed = deprecated.options(name, sys.argv[1:])
    try:
        status = typer.Typer.__call__(app, typed, prog_name=name, standalone_mode=False, terminal_width=width)
        sys.stdout.flush()
    except Interrupted as err:
        return _report_interruption(name, err)
    except BrokenPipeError:
        return _report_interruption(name, Interrupted(_SIGPIPE))
    except Exception as err:
        return _report_error(name, err)
    return status if isinstance(status, int) else 0


@contextmanager
def _warnings_in_a_line(name: str) -> Iterator[None]:
    """Within this, a warning of this project is one line on stderr, wherever its reason is."""

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if issubclass(category, (deprecated.RenamedWarning, CacheWarning)):
            _say(printable(f"{name}: warning: {message}"))
        else:
            show_as_before(message, category, *where, **more)

    show_as_before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("default", deprecated.RenamedWarning)
        warnings.showwarning = show
        yield


@contextmanager
def _signals_as_exceptions() -> Iterator[None]:
    """Within this, signals that end a command are exceptions."""
    handled = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # a shell's background jobs ignore it
        handled.append(signal.SIGINT)
    before = {signum: signal.signal(signum, _interrupt) for signum in handled}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _interrupt(signum: int, _frame: object) -> NoReturn:
    raise Interrupted(signum)


def _report_interruption(name: str, interrupted: Interrupted) -> int:
    if interrupted.signum == _SIGPIPE:
        streams.silence_stdout()
    else:
        how = "interrupted" if interrupted.signum == signal.SIGINT else "terminated"
        _say(f"{name}: {how}" + (interrupted.kept and f"; {printable(interrupted.kept)}"))
    return BY_SIGNAL + interrupted.signum


def _report_error(name: str, err: Exception) -> int:
    if type(err).__name__ == "NoArgsIsHelpError":
        _say(str(err))  # the whole help
        return FAILED
    if not isinstance(err, (BlackboxRepoError, OSError, _ClickException)):
        _say(printable("".join(traceback.format_exception(err)).rstrip(), keep="\n"))
        return BUG
    if isinstance(err, OSError) and err.filename == streams.STDOUT:
        streams.silence_stdout()
    _say(f"{name}: error: {describe(err)}")
    return FAILED


def _say(line: str) -> None:
    with suppress(OSError):  # stderr may be full or closed; then the exit status alone says it
        print(line, file=sys.stderr, flush=True)  # noqa: T201  the one place


def describe(err: Exception) -> str:
    """An error as one line.

    Args:
        err: The error.
    """
    if isinstance(err, _ClickException):
        text = err.format_message()
        context = getattr(err, "ctx", None)
        text += f" (see {context.command_path} --help)" if context is not None else ""
    elif isinstance(err, OSError) and err.filename is not None:
        text = f"{err.filename}: {err.strerror}"
    else:
        text = str(err)
    return printable(" ".join(text.split()))


__all__ = [
    "HELP_OPTIONS",
    "CommandLine",
    "Interrupted",
    "StrictCommand",
    "Version",
    "command_line",
    "describe",
    "examples",
    "interruptible",
    "run",
]
