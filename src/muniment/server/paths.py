"""Which addresses are for machines and which are pages."""

from __future__ import annotations

from typing import Final

API_PATHS: Final = ("/api/", "/logs/", "/healthz", "/readyz")


def is_machine_path(path: str) -> bool:
    """Whether an address (with or without a tenant's prefix) belongs to the API and not to pages."""
    if path.startswith("/t/"):
        path = "/" + path.split("/", 3)[3] if path.count("/") >= 3 else "/"
    return path.startswith(API_PATHS) or path == "/api"
