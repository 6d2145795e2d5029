"""A sign-in that is refused: the reason for the record and the administrator, a plain page for whoever tried."""

from __future__ import annotations

from muniment.core.errors import Refused


class SignInRefused(Refused):
    """Somebody is not let in.

    Args:
        code: the reason, short and stable: it stands in the record.
        detail: what exactly was wrong, for the record's body and for who tests a connection. Holds no secret.
    """

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code, detail[:500] or None)
        self.code = code
        self.detail = detail[:500]
