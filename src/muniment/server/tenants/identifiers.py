"""Random ids for rows: a prefix that says what it is, and a ULID; and the slug that no tenant may choose."""

import secrets
import time
from typing import Final

from muniment.core.identifiers import new_ulid

# The tenant whose log holds what happens before any other is known: sign-ins, accounts.
INSTALLATION_SLUG: Final = "installation"


def new_id(prefix: str) -> str:
    """A new id such as `rol_01K…`.

    Args:
        prefix: three lower-case letters that say what kind of row it is.
    """
    return f"{prefix}_{new_ulid(time.time_ns() // 1_000_000, secrets.token_bytes(10))}"


def workspace_id() -> str:
    """`wks_…`."""
    return new_id("wks")


def host_id() -> str:
    """`hst_…`."""
    return new_id("hst")
