"""What templates say of exceptions."""
