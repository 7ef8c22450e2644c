"""What several recipes have in common. Nothing here is a recipe."""
