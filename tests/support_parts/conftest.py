from tests.support.browser import browser, visitor, visitors

__all__ = ["browser", "visitor", "visitors"]
