"""What came of a run: its columns, how they are saved and compared, and its timeline."""
