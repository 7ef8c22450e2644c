"""Readers for the formats of raw files. They trust no file."""
