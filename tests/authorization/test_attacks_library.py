"""What the sign-in library would answer by itself: none of its addresses leads to its code."""

from __future__ import annotations

import re
from collections.abc import Iterator

import httpx
import pytest
from django.urls import NoReverseMatch, Resolver404, URLPattern, URLResolver, get_resolver, resolve, reverse

from tests.authorization.test_attacks_requests import base_of
from tests.support.people import make_person
from tests.support.servers import Installation

MODULES = (
    "allauth.account.urls",
    "allauth.mfa.urls",
    "allauth.socialaccount.urls",
    "allauth.socialaccount.providers.openid_connect.urls",
    "allauth.socialaccount.providers.saml.urls",
    "allauth.usersessions.urls",
)
FOREIGN = ("allauth", "django.contrib", "django_cotton", "django.views.static", "django.views.debug")
# A value for every converter and group that the library's routes use.
_SAMPLES = {"int": "1", "slug": "x", "str": "x", "path": "x", "uuid": "00000000-0000-0000-0000-000000000000"}


def patterns(found: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for one in found:
        route = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one.url_patterns, route)
        else:
            yield route, one


def library() -> list[tuple[str, str]]:
    """(path, name) of everything that the library would route."""
    made = []
    for module in MODULES:
        for route, one in patterns(get_resolver(module).url_patterns):
            path = re.sub(r"\(\?P<\w+>(?:[^()\[]|\[[^\]]*\])*\)", "x", route)
            path = re.sub(r"<(?:(\w+):)?\w+>", lambda kind: _SAMPLES[kind[1] or "str"], path)
            path = path.replace("^", "").replace("$", "").replace("\\Z", "")
            made.append((path.lstrip("/"), str(one.name)))
    return made


def test_no_address_leads_into_a_library() -> None:
    routes = list(patterns(get_resolver().url_patterns))
    assert len(routes) > 100
    foreign = [route for route, one in routes if str(one.callback.__module__).startswith(FOREIGN)]
    assert foreign == []


def test_what_the_library_calls_by_name_is_ours() -> None:
    names = {name for _, name in library()}
    assert {"account_login", "account_signup", "account_email", "mfa_deactivate_totp"} <= names
    for name in names:
        for arguments in ([], ["x"], ["x", "x"]):
            try:
                path = reverse(name, args=arguments)
            except NoReverseMatch:
                continue
            module = resolve(path).func.__module__
            assert module.startswith("muniment.server."), f"{name} leads to {module}"


@pytest.mark.parametrize("who", ["nobody", "password alone"])
def test_the_librarys_addresses_are_not_there_for_anybody(installation: Installation, who: str) -> None:
    """Signing up, adding addresses, taking factors off, signing in by a code: by its own paths, none of it answers."""
    person = make_person(installation, None, second_factor=False, sign_ins=9)
    with httpx.Client(verify=False, base_url=base_of(installation), trust_env=False, timeout=30) as client:
        if who == "password alone":
            with person.signed_in() as signed:
                client.cookies = signed.cookies
        for path, _ in library():
            for address in (f"/account/{path}", f"/accounts/{path}"):
                try:
                    assert resolve(address).func.__module__.startswith("muniment.server."), address
                except Resolver404:
                    for method in ("GET", "POST"):
                        assert client.request(method, address).status_code == 404, f"{method} {address}"
