"""How somebody checks a token with OpenSSL and nothing of ours, and how the files for that are called."""

from __future__ import annotations


def token_name(size: int, authority: str) -> str:
    """The name under which a token is saved."""
    return f"muniment-{size}-{authority}.tst"


def note_name(size: int) -> str:
    """The name under which a stamped note is saved."""
    return f"muniment-{size}.note"


def openssl_command(size: int, authority: str) -> str:
    """How somebody checks a token with nothing of ours.

    Source: openssl-ts(1), "-verify": `-data` is hashed as the token says, `-token_in` takes it without its response.
    """
    return (
        f"openssl ts -verify -data {note_name(size)} -in {token_name(size, authority)} -token_in "
        f"-CAfile {authority}-root.pem"
    )
