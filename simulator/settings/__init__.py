"""Settings of a run as frozen values: the conditions of its cluster, what fails there, and its limits."""
