"""Readers for the formats of raw files, which trust no file."""
