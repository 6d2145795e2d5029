"""What templates say of risks."""
