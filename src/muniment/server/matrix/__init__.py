"""The controls matrix: for each of the tenant's controls, what the log holds of it and what reviewers said."""
