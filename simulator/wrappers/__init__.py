"""Schedulers around schedulers: for generators, to log answers, to limit the time of calls."""
