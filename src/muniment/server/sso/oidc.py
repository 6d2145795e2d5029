"""OpenID Connect as a relying party: the code flow with PKCE, and every check of the ID token.

allauth's own client is not used: it sends no nonce, checks no signature, takes the issuer from what the discovery
document says, lets the login request's query change the request to the provider (`redirect_uri` included), and prefers
userinfo without comparing its subject.

Source: OpenID Connect Core 1.0 §3.1, OpenID Connect Discovery 1.0 §4, RFC 7636, RFC 9207, RFC 9700.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import jwt

from muniment.core.errors import Malformed, MunimentError
from muniment.server.sso.network import ask, check_address
from muniment.server.sso.presets import Preset
from muniment.server.sso.refusal import SignInRefused
from muniment.server.sso.workflow import Claims

# Signatures with a key pair alone: with HS256 the public key, and with "none" anybody, could sign.
ALGORITHMS: Final = ("RS256", "PS256", "ES256", "ES384", "RS384", "RS512", "PS384", "PS512", "EdDSA")
LEEWAY: Final = 60
MAX_AGE: Final = 600
MAX_TOKEN: Final = 64 * 1024
MAX_SUBJECT: Final = 255
MAX_GROUPS: Final = 1000


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """What we are to one provider.

    Attributes:
        issuer: exactly as the provider spells it.
        client_id: at the provider.
        client_secret: at the provider; "" for none.
        redirect_uri: of this connection alone.
        preset: what is checked beside the protocol.
        pinned: what `preset.pins` must equal.
        groups_claim: where groups are; "" for nowhere.
        email_claim: where the address is.
    """

    issuer: str
    client_id: str
    client_secret: str
    redirect_uri: str
    preset: Preset
    pinned: str = ""
    groups_claim: str = "groups"
    email_claim: str = "email"


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider says of itself in its discovery document, checked.

    Attributes:
        issuer: the one that was asked for.
        authorization: where people are sent.
        token: where codes are exchanged.
        keys: where its public keys are.
        userinfo: where further claims are; "" for nowhere.
        basic: the client authenticates with a header.
        names_issuer: it adds `iss` to its answers.
    """

    issuer: str
    authorization: str
    token: str
    keys: str
    userinfo: str
    basic: bool
    names_issuer: bool


def discover(issuer: str) -> Provider:
    """What the provider with this issuer says of itself.

    Raises:
        SignInRefused: `provider-unreachable` or `provider-malformed`.
    """
    url = issuer.rstrip("/") + "/.well-known/openid-configuration"
    document = _json(url, "issuer")
    if document.get("issuer") != issuer:
        raise SignInRefused("wrong-issuer", f"the document at {url} is of another issuer: {document.get('issuer')}")
    endpoints = {name: document.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
    try:
        found = {name: check_address(str(value), name) for name, value in endpoints.items()}
        userinfo = document.get("userinfo_endpoint")
        return Provider(
            issuer,
            found["authorization_endpoint"],
            found["token_endpoint"],
            found["jwks_uri"],
            check_address(str(userinfo), "userinfo_endpoint") if userinfo else "",
            "client_secret_basic" in document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]),
            document.get("authorization_response_iss_parameter_supported") is True,
        )
    except (Malformed, TypeError) as error:
        raise SignInRefused("provider-malformed", str(error)) from error


def authorization_url(
    provider: Provider, party: RelyingParty, *, state: str, nonce: str, verifier: str, fresh: bool = False
) -> str:
    """Where to send the browser. Nothing of the request that asked for it gets in.

    Args:
        provider: where to.
        party: who asks.
        state: random, kept in the session.
        nonce: random, kept in the session.
        verifier: of PKCE, kept in the session.
        fresh: the provider shall ask who it is, even if it knows.
    """
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": party.client_id,
        "redirect_uri": party.redirect_uri,
        "scope": " ".join(party.preset.scopes),
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"prompt": "login"} if fresh else {}),
        **({"hd": party.pinned} if party.preset.pins == "hd" else {}),
    }
    return provider.authorization + ("&" if urlsplit(provider.authorization).query else "?") + urlencode(asked)


def redeem(
    provider: Provider, party: RelyingParty, *, answer: Mapping[str, str], nonce: str, verifier: str, now: int
) -> Claims:
    """Exchange the code that came back and say whom the provider signed in.

    The state was compared before, by finding nonce and verifier in the session under it.

    Args:
        provider: as discovered now.
        party: who asks.
        answer: the query of the callback.
        nonce: of this sign-in.
        verifier: of this sign-in.
        now: seconds since the Unix epoch.

    Raises:
        SignInRefused: with the check that failed.
    """
    if ("iss" in answer or provider.names_issuer) and answer.get("iss") != provider.issuer:
        raise SignInRefused("wrong-issuer", "the answer is of another issuer (iss)")
    if "error" in answer:
        raise SignInRefused("provider-refused", f"{answer['error']}: {answer.get('error_description', '')}")
    code = answer.get("code", "")
    if not code or len(code) > 4096:
        raise SignInRefused("no-code", "the answer holds no code")
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": party.redirect_uri,
        "code_verifier": verifier,
    }
    auth = None
    if provider.basic and party.client_secret:
        # RFC 6749 §2.3.1: both are form-encoded before they go into the header.
        auth = (quote(party.client_id, safe=""), quote(party.client_secret, safe=""))
    else:
        form |= {"client_id": party.client_id} | ({"client_secret": party.client_secret} if party.client_secret else {})
    tokens = _json(provider.token, "token_endpoint", form=form, auth=auth)
    token = tokens.get("id_token")
    if not isinstance(token, str) or len(token) > MAX_TOKEN:
        raise SignInRefused("no-id-token", "the provider sent no ID token")
    claims = check_id_token(token, _json(provider.keys, "jwks_uri"), party, nonce=nonce, now=now)
    if party.email_claim not in claims and provider.userinfo and isinstance(tokens.get("access_token"), str):
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        further = _json(provider.userinfo, "userinfo_endpoint", headers=bearer)
        if further.get("sub") != claims["sub"]:
            raise SignInRefused("other-subject", "userinfo is about somebody else than the ID token")
        claims = {**further, **claims}
    return read_claims(claims, party)


def check_id_token(token: str, keys: Mapping[str, Any], party: RelyingParty, *, nonce: str, now: int) -> dict[str, Any]:
    """The claims of an ID token that is the provider's, for us, of this sign-in, and of now.

    Args:
        token: a JWT.
        keys: the provider's JWK set.
        party: for whom it must be.
        nonce: of this sign-in.
        now: seconds since the Unix epoch.

    Raises:
        SignInRefused: with the check that failed.

    Source: OpenID Connect Core 1.0 §3.1.3.7.
    """
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            _key_of(token, keys),
            algorithms=list(ALGORITHMS),
            audience=party.client_id,
            issuer=party.issuer,
            leeway=LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "iat"]},
        )
    except jwt.InvalidAudienceError as error:
        raise SignInRefused("wrong-audience", "the ID token is for another client") from error
    except jwt.InvalidIssuerError as error:
        raise SignInRefused("wrong-issuer", "the ID token is of another issuer") from error
    except jwt.ExpiredSignatureError as error:
        raise SignInRefused("expired", "the ID token has expired") from error
    except jwt.ImmatureSignatureError as error:
        raise SignInRefused("from-the-future", "the ID token is not valid yet") from error
    except jwt.MissingRequiredClaimError as error:
        raise SignInRefused("claim-missing", f"the ID token lacks {error.claim}") from error
    except (jwt.PyJWTError, RecursionError) as error:
        raise SignInRefused(
            "bad-signature", f"the ID token's signature does not hold ({type(error).__name__})"
        ) from error
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise SignInRefused("wrong-nonce", "the ID token is of another sign-in")
    audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
    if claims.get("azp", party.client_id) != party.client_id or (len(audiences) > 1 and "azp" not in claims):
        raise SignInRefused("wrong-audience", "the ID token was made for another client (azp)")
    if now - claims["iat"] > MAX_AGE + LEEWAY:
        raise SignInRefused("expired", "the ID token was made too long ago")
    pin = party.preset.pins
    if pin and (not party.pinned or claims.get(pin) != party.pinned):
        raise SignInRefused("wrong-organisation", f"the ID token's {pin} is not the one that is pinned")
    return claims


def read_claims(claims: Mapping[str, Any], party: RelyingParty) -> Claims:
    """What checked claims say about a person.

    Raises:
        SignInRefused: if the subject cannot be one.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise SignInRefused("bad-subject", "the subject must be 1 to 255 printable characters")
    mail = address(claims.get(party.email_claim))
    # What the provider verified is `email`; another claim, such as a user name, may be the person's own to choose.
    verified = claims.get("email_verified") if mail == address(claims.get("email")) else None
    groups = claims.get(party.groups_claim, []) if party.groups_claim else []
    return Claims(
        subject,
        mail,
        verified if isinstance(verified, bool) else {"true": True, "false": False}.get(str(verified)),
        str(claims.get("name") or "")[:128],
        tuple(str(group) for group in (groups if isinstance(groups, list) else [groups])[:MAX_GROUPS]),
    )


def address(value: object) -> str:
    """An e-mail address in lower case, or "" for what is none."""
    text = value.strip().lower() if isinstance(value, str) else ""
    local, _, domain = text.rpartition("@")
    fine = text.isascii() and text.isprintable() and " " not in text and local and "." in domain and "@" not in local
    return text if fine and len(text) <= 254 else ""


def _key_of(token: str, keys: Mapping[str, Any]) -> jwt.PyJWK:
    """The key that the token's header names; the only signing key where it names none."""
    header = jwt.get_unverified_header(token)
    if header.get("alg") not in ALGORITHMS:
        raise jwt.InvalidAlgorithmError("not an algorithm that is accepted")
    listed = keys.get("keys")
    usable = [
        key
        for key in (listed if isinstance(listed, list) else [])
        if isinstance(key, dict) and key.get("use", "sig") == "sig" and key.get("kty") in ("RSA", "EC", "OKP")
    ]
    named = [key for key in usable if key.get("kid") == header["kid"]] if "kid" in header else usable
    if len(named) != 1:
        raise jwt.InvalidKeyError("the token names no key of the provider")
    return jwt.PyJWK(named[0], algorithm=header["alg"])


def _json(
    url: str,
    where: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> dict[str, Any]:
    try:
        answer = ask(url, where=where, form=form, headers=headers, auth=auth)
    except MunimentError as error:
        raise SignInRefused("provider-unreachable", str(error)) from error
    try:
        value = answer.json()
    except Malformed as error:
        raise SignInRefused("provider-malformed", f"{where}: status {answer.status}, {error.reason}") from error
    if answer.status != 200:
        said = json.dumps({name: str(value[name])[:100] for name in ("error", "error_description") if name in value})
        raise SignInRefused("provider-refused", f"{where}: status {answer.status} {said}")
    return value
