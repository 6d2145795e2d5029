"""A real server, a tenant of the test's own, and people who sign in."""

from tests.server.conftest import Installation, Tenant, installation, tenant
from tests.support.browser import browser, visitor, visitors

__all__ = ["Installation", "Tenant", "browser", "installation", "tenant", "visitor", "visitors"]
