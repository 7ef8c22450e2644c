"""Which scheduler is better, and by how much? Three of them on one task, five seeds each.

The seed decides what a scheduler tries and which training runs are replayed. It does so for all schedulers
alike: two schedulers that start the same configuration with the same seed see the same training.
"""

from __future__ import annotations

from statistics import mean, stdev

from blackbox_repo.benchmark import load_benchmark
from simulator import ASHA, PromotionASHA, RandomSearch, SchedulerFactory, Stop, simulate

HOURS = 18
SEEDS = range(5)
SCHEDULERS: dict[str, SchedulerFactory] = {
    "random search": RandomSearch,
    "ASHA, stopping": ASHA,
    "ASHA, promotion": PromotionASHA,
}

benchmark = load_benchmark("nasbench-nlp")
blackbox = benchmark.load()
budget = Stop(time=HOURS * 3600)

print(f"{benchmark.title}: best {benchmark.objective} after {HOURS} h")
for name, scheduler in SCHEDULERS.items():
    runs = [simulate(blackbox, scheduler, workers=benchmark.workers, stop=budget, seed=s) for s in SEEDS]
    found = [best.value for run in runs if (best := run.best()) is not None]
    trials = mean(len(run.trials()) for run in runs)
    print(f"{name:16} {mean(found):.4f} +- {stdev(found):.4f}   {trials:6.1f} trials a run")
