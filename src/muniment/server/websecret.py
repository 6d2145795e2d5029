"""The secret behind sessions, CSRF tokens and links: made once, kept beside the other keys."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from muniment.core.errors import Refused

_NAME = "web.key"


def web_secret(directory: Path) -> str:
    """The secret in `<directory>/web.key`, made now if it is missing.

    Args:
        directory: of the installation's keys. Where there is none (a client, a check) the secret lives as long as the
            process.

    Raises:
        Refused: if others may read the file.
    """
    if not directory.is_dir():
        return secrets.token_urlsafe(48)
    path = directory / _NAME
    if not path.exists():
        # Whole before it has its name: of two processes that start together, one reads what the other made.
        ready = directory / f".{_NAME}.{secrets.token_hex(4)}"
        descriptor = os.open(ready, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48) + "\n")
        with suppress(FileExistsError):
            os.link(ready, path)
        ready.unlink()
    if path.stat().st_mode & 0o077:
        raise Refused(f"{path} can be read by others: chmod 600 {path}", "MUNIMENT_KEYS")
    text = path.read_text(encoding="ascii").strip()
    if len(text) < 40:
        raise Refused(
            f"{path} is cut off: remove it, and a new one is made (everybody has to sign in again)", "MUNIMENT_KEYS"
        )
    return text
