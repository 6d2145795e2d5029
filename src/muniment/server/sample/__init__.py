"""A sample tenant: a day of a small company that does not exist, told by real events through the real API."""
