"""The browsers of this room's tests."""

from tests.support.browser import browser, visitor, visitors

__all__ = ["browser", "visitor", "visitors"]
