"""The tenant's policies, version by version."""
