"""The verifier as one page for a browser: its bytes, and the policy under which a server hands it out.

`python -m muniment.verifier.browser.page` writes the hashes of the page's own script and style into the page again; run
it after every change of either.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).with_name("muniment_verify.html")

_META: Final = re.compile(r'(<meta http-equiv="Content-Security-Policy" content=")[^"]*(">)')


@lru_cache(maxsize=1)
def verifier_page() -> bytes:
    """The page, self-contained: one style, one script, no address. It works saved to disk and without a network."""
    return PAGE.read_bytes()


@lru_cache(maxsize=1)
def content_security_policy() -> str:
    """The `Content-Security-Policy` header for the page: its own script and style by their hashes, and nothing else.

    The page says the same of itself, except that it may not be framed, which only a header can say.
    """
    return f"{_policy(verifier_page().decode('utf-8'))}; frame-ancestors 'none'"


def with_policy(page: str) -> str:
    """The page with the policy of its own script and style in its `meta` element.

    Raises:
        ValueError: if the page has not exactly one script, one style and one such element.
    """
    written, count = _META.subn(lambda found: f"{found[1]}{_policy(page)}{found[2]}", page)
    if count != 1:
        raise ValueError("the page must have one meta element for its policy")
    return written


def _policy(page: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {_hash_of('script', page)}",
            f"style-src {_hash_of('style', page)}",
            "img-src data:",
            "worker-src blob:",
            "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
            # No text of a file can become markup or code, whatever the script does with it.
            "require-trusted-types-for 'script'",
            "trusted-types muniment-worker",
        )
    )


def _hash_of(element: str, page: str) -> str:
    found = re.findall(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
    if len(found) != 1:
        raise ValueError(f"the page must have one {element} element, and it has {len(found)}")
    return f"'sha256-{base64.b64encode(hashlib.sha256(found[0].encode('utf-8')).digest()).decode('ascii')}'"


if __name__ == "__main__":
    PAGE.write_text(with_policy(PAGE.read_text("utf-8")), "utf-8")
