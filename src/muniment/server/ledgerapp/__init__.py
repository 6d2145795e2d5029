"""The Django application through which the ledger's schema is migrated; it has no models."""
