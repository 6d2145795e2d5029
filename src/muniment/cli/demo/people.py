"""Somebody at the pages, with a browser without a window and an authenticator app whose key it knows."""

import base64
import hmac
import re
import secrets
import struct
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from muniment.core.errors import Refused

_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([A-Za-z0-9]+)"')
_SECRET = re.compile(r">\s*((?:[A-Z2-7]{2,}\s*){4,32})<")
"""The key as the page shows it, perhaps in groups."""


class Person:
    """Makes an account behind a one-time link, with a password and a second factor, as anybody does.

    Args:
        link: of the first start, or of an invitation.
        name: as others see it.
        email: only where the link does not say it.
    """

    def __init__(self, link: str, name: str, email: str = "") -> None:
        self.name = name
        where = urlsplit(link)
        # By name: sessions are bound to it.
        base = f"{where.scheme}://localhost:{where.port}"
        self._client = httpx.Client(base_url=base, timeout=30, trust_env=False, follow_redirects=True)
        said = {"name": name, "password": f"demo {secrets.token_hex(12)}"} | ({"email": email} if email else {})
        page = self._submit(f"{where.path}?{where.query}" if where.query else where.path, said, token=where.query)
        secret = _SECRET.search(page.text)
        if secret is None:
            raise Refused(f"{page.url.path} showed no key for an authenticator app", "demo")
        self._submit(
            str(page.url), {"code": _code("".join(secret[1].split()))}, to="/account/second-factors/app", page=page
        )

    def close(self) -> None:
        """Close the browser."""
        self._client.close()

    def ask(self, verb: str, path: str, **body: Any) -> httpx.Response:
        """Ask the API with this person's session."""
        headers = {"X-CSRFToken": str(self._client.cookies.get("csrftoken", "")), "Referer": str(self._client.base_url)}
        return self._client.request(verb, f"/t/default{path}", json=body or None, headers=headers)

    def done(self, verb: str, path: str, **body: Any) -> dict[str, Any]:
        """The same, where it must succeed.

        Raises:
            Refused: with what the server said, otherwise.
        """
        answer = self.ask(verb, path, **body)
        if answer.is_error:
            raise Refused(f"{verb} {path} was answered with {answer.status_code}: {answer.text}", "demo")
        made: dict[str, Any] = answer.json()
        return made

    def _submit(
        self, path: str, fields: Mapping[str, str], *, to: str = "", token: str = "", page: httpx.Response | None = None
    ) -> httpx.Response:
        page = page or self._client.get(path)
        found = _TOKEN.search(page.text)
        if found is None:
            raise Refused(f"{page.url.path} answered {page.status_code} without a form", "demo")
        data = {"csrfmiddlewaretoken": found[1], **fields}
        if token.startswith("token="):
            data["token"] = token.removeprefix("token=")
        answer = self._client.post(to or str(page.url), data=data, headers={"Referer": str(page.url)})
        if answer.is_error:
            raise Refused(f"{answer.url.path} answered {answer.status_code}", "demo")
        return answer


def _code(secret: str) -> str:
    """What an authenticator app shows now. Source: RFC 6238 §4; RFC 4226 §5.3."""
    key = base64.b32decode(secret + "=" * (-len(secret) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(time.time()) // 30), "sha1")
    (number,) = struct.unpack_from(">I", digest, digest[-1] & 0xF)
    return str((number & 0x7FFFFFFF) % 10**6).zfill(6)
