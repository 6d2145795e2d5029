"""The evidence record: everything that there is about one entry, with addresses that lead to the bytes."""
