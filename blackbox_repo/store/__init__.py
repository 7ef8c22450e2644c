"""Blackboxes on disk: parquet files and manifests, checked, locked, cached, and complete or not there."""
