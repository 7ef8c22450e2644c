"""Tune on recorded learning curves: load a task, simulate ASHA on it, look at the results."""

from __future__ import annotations

from blackbox_repo import load_blackbox
from simulator import ASHA, Stop, simulate

blackbox = load_blackbox("nasbench-nlp")["wikitext-2"]
run = simulate(blackbox, ASHA, workers=8, stop=Stop(time=2 * 24 * 3600), seed=0)

best = run.best()
assert best is not None
print(f"{run.seconds / 3600:.0f} simulated hours, {len(run.trials())} trials, {len(run.reports())} points")
print(f"best {best.objective}: {best.value:.4f} at epoch {best.fidelity}, after {best.time / 3600:.1f} h")
print(f"configuration: {dict(best.configuration)}")

incumbent = run.incumbent()
for time, value in zip(incumbent.time[-5:], incumbent.value[-5:], strict=True):
    print(f"{time / 3600:8.2f} h  {value:.4f}")
