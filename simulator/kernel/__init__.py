"""A simulated run: clock, events and the cluster. It touches no disk, no network and no real clock."""
