"""Pages of the packet desk."""
