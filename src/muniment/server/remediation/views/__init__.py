"""Pages of tasks, findings and incidents."""
