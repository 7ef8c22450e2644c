"""How each family of benchmarks becomes blackboxes, one family a file."""
