"""What a user says of a run: its cluster, its chances, its limits. Frozen values."""
