"""Random bytes in stock: one system call for many salts instead of one for each event."""

import os

_STOCK = 256


class Randomness:
    """Hands out 32 random bytes at a time, never the same twice, to any thread and to interrupting signal handlers.

    A forked child must not use its parent's stock: make a new one there.
    """

    __slots__ = ("_stock",)

    def __init__(self) -> None:
        self._stock: list[bytes] = []

    def take(self) -> bytes:
        """32 bytes from the operating system's generator."""
        try:
            # One atomic operation: two threads cannot get the same bytes.
            return self._stock.pop()
        except IndexError:
            block = os.urandom(32 * _STOCK)
            self._stock.extend([block[at : at + 32] for at in range(32, len(block), 32)])
            return block[:32]
