"""The first start: one link makes the first administrator, with a second factor, and works no more."""
