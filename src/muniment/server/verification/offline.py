"""The single-file verifier as this server hands it out, and its script alone, which the verify page runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from muniment.verifier.browser.page import content_security_policy, verifier_page


@dataclass(frozen=True, slots=True)
class OfflineVerifier:
    """The page, the policy that it needs, and the script that stands in it."""

    page: bytes
    policy: str
    script: str


@cache
def offline_verifier() -> OfflineVerifier:
    """The verifier of this version."""
    page = verifier_page()
    text = page.decode("utf-8")
    return OfflineVerifier(page, content_security_policy(), text.split("<script>", 1)[1].rsplit("</script>", 1)[0])
