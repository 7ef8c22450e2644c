import io
from typing import Any

from rich.console import Console

from simulator import ASHA, Stop, simulate
from simulator.cli.run_progress import ProgressBar


def test_the_progress_of_a_run_is_shown_and_taken_away_and_changes_nothing(tiny: Any) -> None:
    screen = io.StringIO()
    bar = ProgressBar(Console(file=screen, force_terminal=True, width=100))
    shown = simulate(tiny, ASHA, workers=4, stop=Stop(time=60000), callbacks=[bar])
    bar.close()
    assert shown.digest == simulate(tiny, ASHA, workers=4, stop=Stop(time=60000)).digest
    assert "simulated" in screen.getvalue()
    assert "best loss" in screen.getvalue()


def test_in_a_narrow_terminal_the_line_says_less_instead_of_being_cut(tiny: Any) -> None:
    screen = io.StringIO()
    bar = ProgressBar(Console(file=screen, force_terminal=True, width=40))
    simulate(tiny, ASHA, workers=4, stop=Stop(time=60000), callbacks=[bar])
    bar.close()
    assert " trials, best " in screen.getvalue()
    assert "…" not in screen.getvalue()
