"""Known identity providers: what an administrator need not look up, and what must be checked for each of them.

Presets are configuration over the same OpenID Connect code. The four vendors' clouds are not reached by the tests: a
real provider on loopback plays them, with the issuers of the templates replaced.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from muniment.core.errors import Malformed


@dataclass(frozen=True, slots=True)
class Preset:
    """One kind of provider.

    Attributes:
        code: stable name.
        name: for people.
        kind: the protocol.
        issuer: template; `{value}` is what the administrator enters. "" if the whole issuer is entered.
        asks: what `{value}` is called there; "" if nothing is asked.
        pattern: what it must look like.
        pins: the claim that must equal it in every ID token; "" for none.
        scopes: that are asked for.
        groups: the claim with groups, if the administrator names none.
        speaks_for_email: an address without `email_verified` counts, if its domain is verified by the tenant.
        help: where at the vendor the values are found.
    """

    code: str
    name: str
    kind: Literal["oidc", "saml"]
    issuer: str = ""
    asks: str = ""
    pattern: str = ""
    pins: str = ""
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    groups: str = "groups"
    speaks_for_email: bool = False
    help: str = ""


_UUID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_HOST: Final = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"

PRESETS: Final[dict[str, Preset]] = {
    preset.code: preset
    for preset in (
        Preset(
            "generic",
            "OpenID Connect",
            "oidc",
            scopes=("openid", "profile", "email", "groups"),
            help="The issuer is the address before /.well-known/openid-configuration.",
        ),
        Preset(
            "entra",
            "Microsoft Entra ID",
            "oidc",
            issuer="https://login.microsoftonline.com/{value}/v2.0",
            asks="Directory (tenant) ID",
            pattern=_UUID,
            # Without it any other directory's people could sign in.
            pins="tid",
            # Entra sends no email_verified; the directory is pinned, and the tenant must have verified the domain.
            speaks_for_email=True,
            help="Entra admin center: App registrations, your application, Overview. Groups arrive as object ids.",
        ),
        Preset(
            "google",
            "Google Workspace",
            "oidc",
            issuer="https://accounts.google.com",
            asks="Workspace domain",
            pattern=_HOST,
            # Google's issuer is the same for everybody, private accounts included.
            pins="hd",
            groups="",
            help="Google Cloud console: APIs and services, Credentials. Google sends no groups in the ID token.",
        ),
        Preset(
            "okta",
            "Okta",
            "oidc",
            issuer="https://{value}",
            asks="Okta domain",
            pattern=_HOST,
            scopes=("openid", "profile", "email", "groups"),
            help="For example acme.okta.com. Add a groups claim to the ID token under Sign On.",
        ),
        Preset(
            "auth0",
            "Auth0",
            "oidc",
            issuer="https://{value}/",
            asks="Auth0 domain",
            pattern=_HOST,
            help="For example acme.eu.auth0.com. Groups come from an Action under a claim that you name.",
        ),
        Preset("saml", "SAML 2.0", "saml", help="Upload or paste the metadata of your identity provider."),
    )
}


def preset_of(code: str) -> Preset:
    """The preset with this code.

    Raises:
        Malformed: if there is none.
    """
    found = PRESETS.get(code)
    if found is None:
        raise Malformed(f"one of {', '.join(PRESETS)}", "preset")
    return found


def issuer_of(preset: Preset, value: str) -> tuple[str, str]:
    """(issuer, pinned value) from what the administrator entered: the issuer itself, or what its template asks for.

    Raises:
        Malformed: naming what does not look right.

    >>> issuer_of(PRESETS["entra"], " 72F988BF-86F1-41AF-91AB-2D7CD011DB47 ")[0]
    'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0'
    >>> issuer_of(PRESETS["google"], "acme.example")
    ('https://accounts.google.com', 'acme.example')
    """
    value = value.strip()
    if not preset.issuer:
        return value, ""
    value = value.lower()
    if not re.fullmatch(preset.pattern, value, re.ASCII):
        raise Malformed(f"this does not look like the {preset.asks} of {preset.name}", "value")
    return preset.issuer.format(value=value), value
