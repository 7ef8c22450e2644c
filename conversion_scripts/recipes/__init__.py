"""The recipes, one file for each family of benchmarks, whose blackboxes have names that begin like it."""
