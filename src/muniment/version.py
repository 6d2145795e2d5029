"""The version of this package, for everything that names it."""

__version__ = "0.1.0"
