"""Logs that the verifier's tests share."""

from __future__ import annotations

import pytest

from tests.verifier.logbook import OTHER_SOURCE, Logbook


@pytest.fixture
def log() -> Logbook:
    """A sealed log of 23 entries with checkpoints at 5, 16 and 23, two numbered sources and one without numbers."""
    book = Logbook()
    book.append(5)
    book.seal()
    book.append(6, source=OTHER_SOURCE)
    book.append(5)
    book.seal()
    book.append(3, numbered=False)
    book.append(4)
    book.seal()
    return book
