"""People sign in at a real server."""

from tests.server.conftest import Installation, Tenant, installation, tenant

__all__ = ["Installation", "Tenant", "installation", "tenant"]
