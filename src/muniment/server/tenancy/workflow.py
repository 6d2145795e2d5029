"""What a tenant may decide about itself. Every setting has bounds; none of them switches a protection off."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from muniment.core.errors import Refused

STEP_UP: Final = (30, 3600)
# A session ends after twelve hours in any case; a tenant can only ask for less.
SESSION_HOURS: Final = (1, 12)
MOST_HOSTS: Final = 20
MOST_WORKSPACES: Final = 200
SECURITY_TXT_LASTS: Final = timedelta(days=180)
_WORKSPACE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+", re.ASCII)
_MAILBOX: Final = re.compile(r"[A-Za-z0-9.!#$&'*+/=?^_{|}~-]{1,64}@[A-Za-z0-9.-]{1,183}", re.ASCII)
_TELEPHONE: Final = re.compile(r"\+[0-9-]{5,30}", re.ASCII)
_WEB: Final = re.compile(r"https://[\x21-\x7e]{1,247}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a tenant.

    Attributes:
        security_contact: a URI for reports of vulnerabilities: `mailto:`, `https:` or `tel:`; "" for none.
        security_policy_url: of the policy for such reports, `https:`; "" for none.
        step_up_seconds: how old a second factor may be for what needs a fresh one, 30 to 3600.
        session_hours: how long a session may last, 1 to 12.
        mfa_from_first_login: the second factor is asked for at the first sign-in already, not from the second on.
    """

    security_contact: str = ""
    security_policy_url: str = ""
    step_up_seconds: int = 300
    session_hours: int = 12
    mfa_from_first_login: bool = False


def checked(settings: Settings) -> Settings:
    """The settings in the form in which they are kept.

    Raises:
        Refused: naming the field.
    """
    for field, value, (least, most) in (
        ("step_up_seconds", settings.step_up_seconds, STEP_UP),
        ("session_hours", settings.session_hours, SESSION_HOURS),
    ):
        if not least <= value <= most:
            raise Refused(f"must be {least} to {most}", field)
    if settings.security_policy_url and not _is_web(settings.security_policy_url):
        raise Refused("must be an https address of at most 255 characters", "security_policy_url")
    return Settings(
        contact_uri(settings.security_contact),
        settings.security_policy_url,
        settings.step_up_seconds,
        settings.session_hours,
        settings.mfa_from_first_login,
    )


def contact_uri(text: str) -> str:
    """A contact as the URI that security.txt asks for; a bare e-mail address gets its scheme.

    >>> contact_uri("security@acme.example"), contact_uri("https://acme.example/report"), contact_uri("")
    ('mailto:security@acme.example', 'https://acme.example/report', '')

    Raises:
        Refused: for anything else.

    Source: RFC 9116 §2.5.3.
    """
    text = text.strip()
    if not text:
        return ""
    mailbox = text.removeprefix("mailto:")
    if _MAILBOX.fullmatch(mailbox):
        return "mailto:" + mailbox
    if _is_web(text) or _TELEPHONE.fullmatch(text.removeprefix("tel:")):
        return text if text.startswith(("https:", "tel:")) else "tel:" + text
    raise Refused("must be an e-mail address, an https address or a telephone number with +", "security_contact")


def security_txt(contact: str, policy: str, canonical: str, now: datetime) -> str:
    """The text of a security.txt file.

    Args:
        contact: a URI.
        policy: a URI or "".
        canonical: the address at which it stands; left out of the text unless it is https, as section 2.5.2 demands.
        now: aware.

    Source: RFC 9116.
    """
    expires = (now.astimezone(UTC) + SECURITY_TXT_LASTS).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: {contact}",
        f"Expires: {expires:%Y-%m-%dT%H:%M:%SZ}",
        *([f"Canonical: {canonical}"] if canonical.startswith("https://") else []),
        *([f"Policy: {policy}"] if policy else []),
        "Preferred-Languages: en",
    ]
    return "\n".join(lines) + "\n"


def checked_workspace(name: str) -> str:
    """The name of a workspace, which events carry.

    Raises:
        Refused: if an event could not carry it.

    Source: docs/format.md section 1, `workspace`.
    """
    if not _WORKSPACE.fullmatch(name):
        raise Refused(
            "begins with a letter or digit; then letters, digits, dots, hyphens, underscores; at most 64", "name"
        )
    return name


def checked_host(host: str, reserved: frozenset[str], bases: tuple[str, ...]) -> str:
    """A host name that a tenant may have as its own, in lower case.

    Args:
        host: as typed.
        reserved: names of the installation itself.
        bases: domains whose subdomains are tenants by their slugs.

    Raises:
        Refused: for what is no host name, an address, or the installation's.
    """
    host = host.strip().lower().rstrip(".")
    if len(host) > 253 or not _HOST.fullmatch(host):
        raise Refused("must be a host name such as ledger.acme.example, without scheme and port", "host")
    if _is_address(host):
        raise Refused("must be a name and not an address", "host")
    if host in reserved or any(host == base or host.endswith("." + base) for base in bases):
        raise Refused(
            "this name belongs to the installation itself; the operator lists names for tenants in MUNIMENT_HOSTS "
            "with a dot in front",
            "host",
        )
    return host


def _is_web(text: str) -> bool:
    if not _WEB.fullmatch(text):
        return False
    try:
        return bool(urlsplit(text).hostname)
    except ValueError:
        return False


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return host.rpartition(".")[2].isdigit()
    return True
