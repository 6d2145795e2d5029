"""The rules without a server: tokens, presets, addresses, states, decisions."""

import base64
import gzip
import json
import socket
import threading
import time
from contextlib import suppress
from dataclasses import replace
from itertools import product

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from muniment.core.errors import Malformed, Refused
from muniment.server.sso import network, saml
from muniment.server.sso.domains import check_challenge
from muniment.server.sso.oidc import RelyingParty, address, check_id_token, read_claims
from muniment.server.sso.presets import PRESETS, issuer_of
from muniment.server.sso.refusal import SignInRefused
from muniment.server.sso.workflow import Claims, Known, Refusal, State, after, decide, synchronised

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWK = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key())), "kid": "k", "use": "sig"}
NOW = int(time.time())
# Good for a day: between collecting this module and running it lie the other tests.
CLAIMS = {"iss": "https://id.example", "sub": "s", "aud": "c", "exp": NOW + 86_400, "iat": NOW, "nonce": "n"}
PARTY = RelyingParty("https://id.example", "c", "", "https://us.example/callback", PRESETS["generic"])
NOBODY = Known(None, False, False, True, True, False, True)


def _token(headers: dict[str, str] | None = None, **changes: object) -> str:
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    return jwt.encode(claims, KEY, "RS256", headers={"kid": "k", **(headers or {})})


def _check(token: str, party: RelyingParty = PARTY, keys: object = None) -> dict[str, object]:
    return check_id_token(token, {"keys": keys or [JWK]}, party, nonce="n", now=NOW)


def test_a_good_token_is_read() -> None:
    assert _check(_token())["sub"] == "s"


@pytest.mark.parametrize(
    ("preset", "claim", "pinned"),
    [("entra", "tid", "72f988bf-86f1-41af-91ab-2d7cd011db47"), ("google", "hd", "acme.example")],
)
def test_presets_pin_the_organisation(preset: str, claim: str, pinned: str) -> None:
    party = replace(PARTY, preset=PRESETS[preset], pinned=pinned)
    assert _check(_token(**{claim: pinned}), party)[claim] == pinned
    for other in ("somebody-else", None, [pinned], pinned.upper()):
        with pytest.raises(SignInRefused, match="wrong-organisation"):
            _check(_token(**{claim: other}), party)
    with pytest.raises(SignInRefused, match="wrong-organisation"):
        _check(_token(**{claim: ""}), replace(party, pinned=""))


@pytest.mark.parametrize(
    ("preset", "value", "issuer"),
    [
        ("okta", "Acme.okta.com", "https://acme.okta.com"),
        ("auth0", "acme.eu.auth0.com", "https://acme.eu.auth0.com/"),
        ("generic", " https://id.example/realm ", "https://id.example/realm"),
    ],
)
def test_presets_know_how_their_issuers_are_spelled(preset: str, value: str, issuer: str) -> None:
    assert issuer_of(PRESETS[preset], value)[0] == issuer


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"sub": None}, "claim-missing"),
        ({"iat": None}, "claim-missing"),
        ({"exp": None}, "claim-missing"),
        ({"nonce": None}, "wrong-nonce"),
        ({"nonce": ["n"]}, "wrong-nonce"),
        ({"aud": ["c", "d"]}, "wrong-audience"),
        ({"aud": ["c", "d"], "azp": "d"}, "wrong-audience"),
        ({"azp": "d"}, "wrong-audience"),
        ({"iss": "https://id.example/"}, "wrong-issuer"),
        ({"iat": NOW - 3600}, "expired"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(changes: dict[str, object], reason: str) -> None:
    with pytest.raises(SignInRefused, match=reason):
        _check(_token(**changes))


def test_a_public_key_is_no_shared_secret() -> None:
    secret = str(JWK["n"]).encode()
    forged = jwt.encode(CLAIMS, secret, "HS256", headers={"kid": "k"})
    oct_key = {"kty": "oct", "kid": "k", "k": jwt.utils.base64url_encode(secret).decode()}
    for keys in ([JWK], [oct_key], [JWK, oct_key]):
        with pytest.raises(SignInRefused, match="bad-signature"):
            _check(forged, keys=keys)


def test_a_token_nested_without_end_is_refused() -> None:
    nested = base64.urlsafe_b64encode(b"[" * 45_000).rstrip(b"=").decode()
    with pytest.raises(SignInRefused, match="bad-signature"):
        _check(f"{nested}.e30.e30")


@pytest.mark.parametrize("keys", [[], [{**JWK, "kid": "other"}], [{**JWK, "use": "enc"}], [JWK, JWK], ["no key"]])
def test_a_token_needs_exactly_one_key_of_the_provider(keys: list[object]) -> None:
    with pytest.raises(SignInRefused, match="bad-signature"):
        check_id_token(_token(), {"keys": keys}, PARTY, nonce="n", now=NOW)


@pytest.mark.parametrize("subject", ["", "a" * 256, "a\nb", None, 5])
def test_a_subject_is_short_and_printable(subject: object) -> None:
    with pytest.raises(SignInRefused, match="bad-subject"):
        read_claims({"sub": subject}, PARTY)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (" Anna@Example.ORG ", "anna@example.org"),
        ("anna@evil.example@example.org", ""),
        ("anna@exämple.org", ""),
        ("anna", ""),
        ("@example.org", ""),
        ("a b@example.org", ""),
        (5, ""),
        ("a" * 250 + "@example.org", ""),
    ],
)
def test_an_address_is_one_plain_address_or_none(given: object, taken: str) -> None:
    assert address(given) == taken


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example",
        "https://",
        "https://user@id.example",
        "https://id.example/#f",
        "https://id.example:99999",
        "https://id .example",
        "file:///etc/passwd",
    ],
)
def test_only_plain_https_addresses_are_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "private_allowed", lambda: False)
    with pytest.raises(Malformed, match="https address"):
        network.ask(url, where="issuer")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "169.254.169.254", "10.0.0.1", "0.0.0.0"])
def test_the_servers_own_network_is_not_asked(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "private_allowed", lambda: False)
    with pytest.raises(Refused, match="inside a private network"):
        network.ask(f"https://{host}/", where="issuer")
    with pytest.raises(Refused):
        check_challenge(host, "token")


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nX-Long: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
def test_who_answers_a_byte_now_and_then_does_not_hold_a_request_for_ever(
    begun: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other side sends until the connection is closed: without an end of ours, this test would have none."""
    monkeypatch.setattr(network, "private_allowed", lambda: True)
    monkeypatch.setattr(network, "WHOLE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            line, _ = listening.accept()
            with line, suppress(OSError):
                line.recv(65536)
                line.sendall(begun)
                while True:
                    line.sendall(b"a")
                    time.sleep(0.05)

        threading.Thread(target=drip, daemon=True).start()
        with pytest.raises(Refused, match="cannot be reached"):
            network.ask(f"http://127.0.0.1:{listening.getsockname()[1]}/", where="issuer")


def test_an_answer_that_is_packed_or_nested_without_end_is_malformed() -> None:
    for content in (b"[" * 100_000, b'{"a":' * 30_000, gzip.compress(b"{}")):
        with pytest.raises(Malformed):
            network.Answer(200, content).json()


def test_a_verified_address_says_nothing_about_another_claim() -> None:
    party = replace(PARTY, email_claim="preferred_username")
    given = {"sub": "s", "email": "mallory@acme.example", "email_verified": True}
    assert read_claims({**given, "preferred_username": "chief@acme.example"}, party).email_verified is None
    assert read_claims({**given, "preferred_username": "Mallory@acme.example"}, party).email_verified is True
    assert read_claims({**given, "preferred_username": "no address"}, party).email_verified is None
    assert read_claims({**given, "email": ""}, PARTY).email == ""


def test_a_new_connection_is_tested_before_it_lets_anybody_in() -> None:
    assert after(after(State.DRAFT, "test"), "activate") == State.ACTIVE
    for state, act in product(State, ("test", "activate", "disable", "redraft")):
        if (state, act) in {
            (State.DRAFT, "activate"),
            (State.ACTIVE, "test"),
            (State.ACTIVE, "activate"),
            (State.ACTIVE, "redraft"),
            (State.DISABLED, "test"),
            (State.DISABLED, "disable"),
            (State.DISABLED, "redraft"),
            (State.DRAFT, "disable"),
            (State.TESTED, "disable"),
        }:
            with pytest.raises(Refused):
                after(state, act)
        else:
            assert after(state, act) in State


def test_an_address_that_somebody_has_never_opens_an_account() -> None:
    for verified, domain, joins, speaks, roles in product((True, False, None), *[(True, False)] * 4):
        known = Known(None, False, True, domain, joins, speaks, roles)
        assert decide(Claims("s", "anna@example.org", verified), known) is Refusal.NOT_LINKED


@pytest.mark.parametrize(
    ("claims", "known", "refusal"),
    [
        (Claims("s", "a@b.example", True), NOBODY, None),
        (Claims("s", "a@b.example", None), NOBODY, Refusal.ADDRESS_UNVERIFIED),
        (Claims("s", "a@b.example", None), replace(NOBODY, speaks_for_email=True), None),
        (Claims("s", "a@b.example", False), replace(NOBODY, speaks_for_email=True), Refusal.ADDRESS_UNVERIFIED),
        (Claims("s"), NOBODY, Refusal.NO_ADDRESS),
        (Claims("s", "a@b.example", True), replace(NOBODY, domain_verified=False), Refusal.DOMAIN_UNVERIFIED),
        (Claims("s", "a@b.example", True), replace(NOBODY, joins=False), Refusal.NO_JOINING),
        (Claims("s", "a@b.example", True), replace(NOBODY, gives_roles=False), Refusal.NO_ROLE),
        (Claims("s"), replace(NOBODY, identity_user="usr_1", identity_member=True), None),
        (Claims("s"), replace(NOBODY, identity_user="usr_1"), Refusal.NOT_A_MEMBER),
    ],
)
def test_who_may_come_in(claims: Claims, known: Known, refusal: Refusal | None) -> None:
    assert decide(claims, known) is refusal


def test_roles_outside_the_mapping_are_not_the_providers_to_take() -> None:
    assert synchronised(["mine"], [], {"g": "given"}) == ["mine"]
    assert synchronised(["given"], [], {"g": "given"}) == []
    assert synchronised([], ["g", "g", "unknown"], {"g": "given"}) == ["given"]


@pytest.mark.parametrize("document", ["", "not XML", "<a/>", '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "x" * 300_000])
def test_what_is_no_metadata_is_refused(document: str) -> None:
    with pytest.raises(Malformed):
        saml.read_metadata(document)


@pytest.mark.parametrize("certificates", [[], ["no certificate"], [""], ["MIIB"]])
def test_what_is_no_certificate_is_refused(certificates: list[str]) -> None:
    with pytest.raises(Malformed, match="certificate"):
        saml.check_certificates(certificates)
