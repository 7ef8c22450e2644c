"""Schedulers of HPO libraries, each in a file of its own; no module outside this folder imports them."""
