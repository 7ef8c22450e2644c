"""Schedulers of HPO libraries, each in a file that alone imports its library; nobody imports the adapters."""
