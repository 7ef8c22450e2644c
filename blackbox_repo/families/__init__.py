"""Helpers for single families of blackboxes, such as the official names of configurations."""
