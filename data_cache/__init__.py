"""The blackboxes that ship with the code: parquet files and their manifests. Imports nothing."""
