"""Shipping: from the spools of this machine to a ledger, proven before space is given free."""
