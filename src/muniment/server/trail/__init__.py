"""The tenant's audit trail: what people did, in plain words, each with its entry of the ledger."""
