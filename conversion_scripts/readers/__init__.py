"""Formats of raw files, read without trusting them."""
