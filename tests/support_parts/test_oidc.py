"""The OpenID provider of the tests is a real one, and its attacks are real too."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from tests.support.oidc import OidcClient, OidcProvider

CALLBACK = "http://localhost:1/callback"
VERIFIER = "a verifier that is long enough for everybody who reads it".replace(" ", "-")
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


@pytest.fixture(scope="module")
def running() -> Iterator[OidcProvider]:
    with OidcProvider() as provider:
        yield provider


@pytest.fixture
def provider(running: OidcProvider) -> Iterator[OidcProvider]:
    running.user("anna-1", email="anna@a.example", groups=["auditors"], claims={"tid": "tenant-1"})
    running.user("bert-2", email="bert@a.example", email_verified=False)
    yield running
    running.attack(None)
    running.sign_in_as(None)


def _request(provider: OidcProvider, client: OidcClient, **changes: str) -> str:
    asked = {
        "client_id": client.client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid email groups",
        "state": "s",
        "nonce": "n",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    return str(httpx.URL(f"{provider.issuer}/auth", params={name: value for name, value in asked.items() if value}))


def _walk(browser: httpx.Client, url: str) -> httpx.Response:
    """Follow redirects until they leave the provider."""
    answer = browser.get(url)
    while answer.is_redirect and not answer.headers["location"].startswith(CALLBACK):
        answer = browser.get(answer.headers["location"])
    return answer


def _code(answer: httpx.Response) -> dict[str, list[str]]:
    return parse_qs(urlsplit(answer.headers["location"]).query)


def _tokens(provider: OidcProvider, client: OidcClient) -> dict[str, str]:
    with httpx.Client(verify=False, base_url=provider.issuer) as browser:
        code = _code(_walk(browser, _request(provider, client)))["code"][0]
        answer = browser.post(
            "/token",
            auth=(client.client_id, client.client_secret),
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": CALLBACK,
                "code_verifier": VERIFIER,
            },
        )
    assert answer.status_code == 200, answer.text
    tokens: dict[str, str] = answer.json()
    return tokens


def _claims(provider: OidcProvider, client: OidcClient, token: str) -> dict[str, object]:
    keys = httpx.get(f"{provider.issuer}/jwks").json()["keys"]
    key = jwt.PyJWK(json.loads(json.dumps(keys[0])))
    claims: dict[str, object] = jwt.decode(
        token, key, algorithms=["RS256"], audience=client.client_id, issuer=provider.issuer
    )
    return claims


def test_a_user_signs_in_with_a_code_and_comes_back_with_claims(provider: OidcProvider) -> None:
    client = provider.client(CALLBACK)
    provider.sign_in_as("anna-1")
    claims = _claims(provider, client, _tokens(provider, client)["id_token"])
    assert claims["sub"] == "anna-1"
    assert claims["nonce"] == "n"
    assert (claims["email"], claims["email_verified"], claims["groups"]) == ("anna@a.example", True, ["auditors"])
    assert claims["tid"] == "tenant-1"


def test_a_page_asks_who_signs_in(provider: OidcProvider) -> None:
    client = provider.client(CALLBACK)
    with httpx.Client(verify=False, base_url=provider.issuer) as browser:
        page = _walk(browser, _request(provider, client))
        assert re.findall(r'value="([^"]+)"', page.text) == ["anna-1", "bert-2"]
        chosen = browser.post(page.url, data={"user": "bert-2"})
        assert "code" in _code(_walk(browser, chosen.headers["location"]))


def test_a_user_may_refuse(provider: OidcProvider) -> None:
    client = provider.client(CALLBACK)
    provider.sign_in_as("nobody")
    with httpx.Client(verify=False, base_url=provider.issuer) as browser:
        assert _code(_walk(browser, _request(provider, client)))["error"] == ["access_denied"]


def test_it_insists_on_pkce(provider: OidcProvider) -> None:
    client = provider.client(CALLBACK)
    with httpx.Client(verify=False, base_url=provider.issuer) as browser:
        answer = _walk(browser, _request(provider, client, code_challenge="", code_challenge_method=""))
    assert _code(answer)["error"] == ["invalid_request"]


def test_every_attack_on_the_token_is_seen_by_who_looks(provider: OidcProvider) -> None:
    client = provider.client(CALLBACK)
    provider.sign_in_as("anna-1")
    noticed = {}
    for attack in provider.attacks:
        provider.attack(attack)
        token = _tokens(provider, client).get("id_token", "")
        try:
            claims = _claims(provider, client, token)
        except jwt.InvalidTokenError as error:
            noticed[attack] = type(error).__name__
        else:
            noticed[attack] = f"nonce {claims.get('nonce')}, azp {claims.get('azp')}"
    assert noticed == {
        "wrong_nonce": "nonce another-login, azp None",
        "no_nonce": "nonce None, azp None",
        "wrong_audience": "InvalidAudienceError",
        "more_audiences": "nonce n, azp another-client",
        "wrong_issuer": "InvalidIssuerError",
        "expired": "ExpiredSignatureError",
        "from_the_future": "ImmatureSignatureError",
        "bad_signature": "InvalidSignatureError",
        "no_signature": "InvalidAlgorithmError",
        "tampered": "InvalidSignatureError",
        "no_id_token": "DecodeError",
        "other_userinfo": "nonce n, azp None",
    }


def test_an_unknown_attack_is_an_error(provider: OidcProvider) -> None:
    with pytest.raises(ValueError, match="wrong_nonce"):
        provider.attack("none_such")
