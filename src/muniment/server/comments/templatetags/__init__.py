"""Tags of comments."""
