"""Whether a domain is the tenant's: a file that only who runs its web server can put there.

Checked over `https://<domain>/.well-known/muniment-domain`. A DNS TXT record is not read.
"""

from __future__ import annotations

import hmac
import re
from typing import Final

from muniment.core.errors import Malformed, MunimentError, Refused
from muniment.server.sso.network import ask

PATH: Final = "/.well-known/muniment-domain"
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}", re.ASCII)
# Where everybody may have an address, nobody's control of the domain says anything about one.
PUBLIC_MAIL: Final = frozenset(
    (
        *(
            "gmail.com",
            "googlemail.com",
            "outlook.com",
            "hotmail.com",
            "live.com",
            "msn.com",
            "yahoo.com",
            "icloud.com",
        ),
        *(
            "icloud.com",
            "me.com",
            "aol.com",
            "gmx.de",
            "gmx.net",
            "web.de",
            "mail.ru",
            "yandex.ru",
            "proton.me",
            "protonmail.com",
        ),
        *("wp.pl", "o2.pl", "onet.pl", "interia.pl", "qq.com", "163.com"),
    )
)


def check_domain(text: str) -> str:
    """A mail domain in lower case.

    Raises:
        Malformed: if it is none, or one where everybody may have an address.
    """
    domain = text.strip().lower().rstrip(".").removeprefix("@")
    if len(domain) > 253 or not _DOMAIN.fullmatch(domain):
        raise Malformed("a domain such as example.com is needed", "domain")
    if domain in PUBLIC_MAIL:
        raise Malformed(f"{domain} is open to everybody: it cannot be one organisation's", "domain")
    return domain


def challenge_address(domain: str) -> str:
    """Where the token must be found."""
    return f"https://{domain}{PATH}"


def check_challenge(domain: str, token: str) -> None:
    """Ask the domain's web server for the token.

    Raises:
        Refused: if it cannot be reached or answers something else.
    """
    url = challenge_address(domain)
    try:
        answer = ask(url, where="domain")
    except MunimentError as error:
        raise Refused(f"{url} cannot be read: {error.reason}", "domain") from error
    if answer.status != 200 or not hmac.compare_digest(answer.content.strip(), token.encode()):
        raise Refused(f"{url} does not hold the token (status {answer.status})", "domain")
