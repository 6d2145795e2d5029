"""What the ledger holds of one thing, newest first: for the history tab of its page, with the proof of each entry."""
