"""Schedulers around schedulers: a generator as one, a log of its answers, a time limit of its calls."""
