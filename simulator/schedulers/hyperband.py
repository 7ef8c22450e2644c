"""Hyperband (Li et al., JMLR 2018, algorithm 1), synchronous."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import cycle

from blackbox_repo.numeric.scalars import flag
from blackbox_repo.schema import Schema
from blackbox_repo.space import Configuration
from simulator.schedulers.configurations import RandomConfigurations
from simulator.schedulers.exact import ceil, fraction
from simulator.schedulers.rungs import goals
from simulator.schedulers.settings import format_call
from simulator.schedulers.synchronous import Bracket, Synchronous


class Hyperband(Synchronous):
    """Runs brackets of successive halving in turn: from many trials with a low first rung to few in full.

    With rungs r_0 < ... < r_(K-1) below the largest fidelity, the brackets are s = K, K-1, ..., 0, and then
    again. Bracket s has the topmost s rungs and starts ceil((K + 1) eta^s / (s + 1)) trials, as the paper's
    algorithm 1 says: 81, 34, 15, 8 and 5 for R = 81 and eta = 3. (The paper's table 1 has 81, 27, 9, 6 and 5,
    from a rule that rounds earlier.) Rungs lie where those of ASHA do, at r_min eta^j from below, which are
    the paper's if the largest fidelity is one of these. Who fails, is NaN on a rung, or whose curve has ended
    does not go on. While a rung is undecided, free workers wait, as in algorithm 1; with ``overlap`` they
    begin the next bracket, as in the implementations of HpBandSter and Syne Tune.

    Args:
        schema: Of the blackbox; its target is optimized.
        seed: Of the configurations, drawn as random search draws them.
        eta: How much more a trial gets on the next rung.
        r_min: The lowest rung; by default the smallest fidelity above 0.
        rungs: The rungs one by one, in the place of ``r_min`` and ``eta``'s powers.
        overlap: Whether a worker for which a bracket has nothing begins the next one; else it waits.
        initial: Configurations to try first; what is left out of one is in the middle of its domain.
        duplicates: Draw each configuration by itself from a finite space, too, without end.

    Raises:
        InvalidOption: A setting outside its range.
    """

    def __init__(  # noqa: PLR0913  settings are named
        self,
        schema: Schema,
        seed: int = 0,
        *,
        eta: float = 3,
        r_min: float | None = None,
        rungs: Sequence[float] | None = None,
        overlap: bool = False,
        initial: Sequence[Configuration] = (),
        duplicates: bool = False,
    ) -> None:
        overlap = flag("overlap", overlap)
        steps = goals(schema.fidelity, eta, r_min, rungs)
        configurations = RandomConfigurations(schema.space, seed, initial, duplicates=duplicates)
        self._shown = format_call(
            "Hyperband",
            seed=configurations.seed,
            eta=eta,
            r_min=r_min,
            rungs=list(rungs or ()),
            overlap=overlap or (),
            initial=configurations.initial,
            duplicates=duplicates or (),
        )
        super().__init__(schema, configurations, _brackets(steps, fraction(eta)), overlap=overlap)

    def __repr__(self) -> str:
        return self._shown


def _brackets(steps: list[float], eta: Fraction) -> Iterator[Bracket]:
    for first, trials in cycle(enumerate(bracket_sizes(len(steps) - 1, eta))):
        yield Bracket(steps[first:], trials, eta)


def bracket_sizes(rungs: int, eta: Fraction) -> list[int]:
    """How many trials start in the brackets, the one with the most rungs first."""
    return [ceil((rungs + 1) * eta**s / (s + 1)) for s in range(rungs, -1, -1)]
