"""What the ledger holds of one thing, newest first: for the history tab of its page, with the proof of each entry."""

from muniment.server.history.reading import History, Past, history

__all__ = ["History", "Past", "history"]
