"""How an exception that ends an action is recorded."""

import asyncio
import concurrent.futures


def outcome_of(error: BaseException) -> str:
    """`failure`; `unknown` where the action was cancelled or the program is ending: nobody knows how far it came.

    >>> outcome_of(KeyError()), outcome_of(KeyboardInterrupt())
    ('failure', 'unknown')
    """
    cancelled = isinstance(error, asyncio.CancelledError | concurrent.futures.CancelledError)
    return "failure" if isinstance(error, Exception) and not cancelled else "unknown"


def text_of(error: BaseException) -> str:
    """The exception's text; some cannot even be shown."""
    try:
        return str(error)
    except Exception:
        return "cannot be shown"
