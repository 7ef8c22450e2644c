"""The recipes, one file for each family of benchmarks: its name begins those of the blackboxes it makes."""
