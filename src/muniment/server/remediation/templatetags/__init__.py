"""What templates say of tasks and findings."""
