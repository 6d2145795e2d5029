"""Requests to addresses that a tenant's administrator chose: kept short, and away from the server's own network.

An issuer or domain is typed in by people of a tenant; the server must not become their way to machines behind it.
So only https is spoken, redirects are not followed, and the name must stand for public addresses, to one of which the
connection is then made. `MUNIMENT_PRIVATE_PROVIDERS=1`, for operators whose provider is inside their own network,
allows private addresses and http.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from django.conf import settings

from muniment.core.errors import Malformed, Refused

SECONDS: Final = 5.0
"""Without a byte from the other side."""
WHOLE: Final = 10.0
"""For the whole answer: who sends a byte now and then must not hold a request of ours for ever."""
MAX_ANSWER: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        status: HTTP status.
        content: at most `MAX_ANSWER` bytes.
    """

    status: int
    content: bytes

    def json(self) -> dict[str, Any]:
        """The JSON object that it is.

        Raises:
            Malformed: if it is anything else.
        """
        try:
            value = json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise Malformed("the answer is not JSON") from error
        if not isinstance(value, dict):
            raise Malformed("the answer is not a JSON object")
        return value


def private_allowed() -> bool:
    """Whether the operator has providers inside the network."""
    return bool(settings.PRIVATE_PROVIDERS)


def check_address(url: str, where: str) -> str:
    """`url`, if it is one that may be asked: https, with a host, without a name and password in it.

    Raises:
        Malformed: if not, naming `where`.
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = 0
    if (
        parts.scheme not in (("https", "http") if private_allowed() else ("https",))
        or not parts.hostname
        or parts.username is not None
        or parts.fragment
        or port == 0
        or any(character.isspace() or ord(character) < 33 for character in url)
    ):
        raise Malformed("an https address is needed, such as https://id.example.com", where)
    return url


def ask(
    url: str,
    *,
    where: str,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> Answer:
    """GET an address, or POST a form to it.

    Args:
        url: see `check_address`.
        where: what it is, for the error.
        form: fields to post.
        headers: further headers.
        auth: user name and password for Basic authentication, percent-encoded already (RFC 6749 §2.3.1).

    Raises:
        Malformed: if the address may not be asked.
        Refused: if it does not answer, answers too much, or stands for a private address.
    """
    parts = urlsplit(check_address(url, where))
    host = str(parts.hostname)
    address = _public_address(host, parts.port or (443 if parts.scheme == "https" else 80), where)
    literal = f"[{address}]" if ":" in address else address
    asked = httpx.URL(url).copy_with(host=literal)
    try:
        with (
            httpx.Client(timeout=SECONDS, follow_redirects=False, trust_env=False) as client,
            _ending(client),
            client.stream(
                "GET" if form is None else "POST",
                asked,
                data=form,
                auth=auth,
                headers={
                    "Accept": "application/json, */*;q=0.1",
                    # Read as it comes: what is small when it is packed may be large when it is unpacked.
                    "Accept-Encoding": "identity",
                    **(headers or {}),
                    "Host": parts.netloc,
                },
                extensions={"sni_hostname": host},
            ) as response,
        ):
            content = b""
            for chunk in response.iter_raw():
                content += chunk
                if len(content) > MAX_ANSWER:
                    raise Refused(f"{host} answered more than {MAX_ANSWER} bytes", where)
            return Answer(response.status_code, content)
    except httpx.HTTPError as error:
        raise Refused(f"{host} cannot be reached ({type(error).__name__})", where) from error


@contextmanager
def _ending(client: httpx.Client) -> Iterator[None]:
    """Close the client's connections in the middle of an answer that takes longer than `WHOLE`."""
    timer = threading.Timer(WHOLE, client.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _public_address(host: str, port: int, where: str) -> str:
    """The address to connect to; resolved once, so that the name cannot stand for another one afterwards."""
    try:
        found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError) as error:
        raise Refused(f"{host} is not a name that can be found", where) from error
    if not private_allowed() and not all(ipaddress.ip_address(each.partition("%")[0]).is_global for each in found):
        raise Refused(f"{host} stands for an address inside a private network", where)
    return found[0]
