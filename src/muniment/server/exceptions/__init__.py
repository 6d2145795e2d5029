"""Exceptions: what is not complied with, for how long, who decided, and on what."""
