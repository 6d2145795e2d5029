"""The tenant's assets, version by version."""
