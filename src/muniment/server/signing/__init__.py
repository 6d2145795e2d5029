"""Electronic signatures: a person signs an entry, with a meaning, under their printed name (21 CFR 11.50 to 11.200)."""
