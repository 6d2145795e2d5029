"""The first start: from a one-time link to the first administrator, with a second factor."""
