"""A simulated run: clock, events and the cluster. It touches no disk, no network and no real clock.

The kernel can be compiled with mypyc (docs/performance.md), which holds annotations true while it runs: an
``int`` where ``float`` is written becomes one, and what is of another type raises. What schedulers and
blackboxes hand in, and the numbers of theirs that are handed back, are therefore ``Any`` here.
"""
