"""The verifiers that every packet carries."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from muniment.packet.places import PAGE, SCRIPT
from muniment.verifier import standalone
from muniment.verifier.browser.page import verifier_page


@lru_cache(maxsize=1)
def verifier_script() -> bytes:
    """The verifier for Python, as it stands in this package."""
    return (Path(standalone.__path__[0]) / "muniment_verify.py").read_bytes()


def verifiers() -> dict[str, bytes]:
    """Both verifiers by their paths in a packet."""
    return {SCRIPT: verifier_script(), PAGE: verifier_page()}
