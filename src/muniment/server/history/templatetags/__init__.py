"""Tags of histories."""
