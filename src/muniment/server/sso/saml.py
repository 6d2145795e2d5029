"""SAML 2.0 as a service provider: what is asked, and every check of what comes back.

python3-saml checks schema, signature, status and times; what it leaves loose is checked here again, on the same parsed
document: the audience must be there, recipient and destination must be this address and not only begin like it, and
the request is read from the signed part (`InResponseTo` of the response itself is not signed when the assertion is).

Source: SAML 2.0 Profiles §4.1.4; SAML 2.0 Core §2.4, §2.5.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree  # type: ignore[import-untyped]
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.response import OneLogin_Saml2_Response
from onelogin.saml2.settings import OneLogin_Saml2_Settings
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from muniment.core.errors import Malformed
from muniment.server.sso.network import check_address
from muniment.server.sso.oidc import MAX_GROUPS, MAX_SUBJECT, address
from muniment.server.sso.refusal import SignInRefused
from muniment.server.sso.workflow import Claims

MAX_RESPONSE: Final = 256 * 1024
_POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
_REDIRECT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
_NS: Final = {"saml": "urn:oasis:names:tc:SAML:2.0:assertion", "samlp": "urn:oasis:names:tc:SAML:2.0:protocol"}
_BEARER: Final = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
_TRANSIENT: Final = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
_EMAIL_NAME: Final = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
# What providers call an address when the administrator names no attribute.
_MAIL: Final = (
    "email",
    "mail",
    "urn:mace:dir:attribute-def:mail",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)
_NAME: Final = (
    "displayName",
    "urn:oid:2.16.840.1.113730.3.1.241",
    "http://schemas.microsoft.com/identity/claims/displayname",
)
_CODES: Final = {
    OneLogin_Saml2_ValidationError.ASSERTION_EXPIRED: "expired",
    OneLogin_Saml2_ValidationError.ASSERTION_TOO_EARLY: "from-the-future",
    OneLogin_Saml2_ValidationError.SESSION_EXPIRED: "expired",
    OneLogin_Saml2_ValidationError.WRONG_AUDIENCE: "wrong-audience",
    OneLogin_Saml2_ValidationError.WRONG_ISSUER: "wrong-issuer",
    OneLogin_Saml2_ValidationError.ISSUER_NOT_FOUND_IN_ASSERTION: "wrong-issuer",
    OneLogin_Saml2_ValidationError.WRONG_DESTINATION: "wrong-address",
    OneLogin_Saml2_ValidationError.EMPTY_DESTINATION: "wrong-address",
    OneLogin_Saml2_ValidationError.WRONG_SUBJECTCONFIRMATION: "not-confirmed",
    OneLogin_Saml2_ValidationError.NO_SIGNATURE_FOUND: "unsigned",
    OneLogin_Saml2_ValidationError.NO_SIGNED_ASSERTION: "unsigned",
    OneLogin_Saml2_ValidationError.INVALID_SIGNATURE: "bad-signature",
    OneLogin_Saml2_ValidationError.DEPRECATED_SIGNATURE_METHOD: "weak-algorithm",
    OneLogin_Saml2_ValidationError.DEPRECATED_DIGEST_METHOD: "weak-algorithm",
    OneLogin_Saml2_ValidationError.WRONG_NUMBER_OF_ASSERTIONS: "wrapped",
    OneLogin_Saml2_ValidationError.STATUS_CODE_IS_NOT_SUCCESS: "provider-refused",
    OneLogin_Saml2_ValidationError.NO_NAMEID: "bad-subject",
}


@dataclass(frozen=True, slots=True)
class ServiceProvider:
    """What we are to one identity provider, and what we know of it.

    Attributes:
        entity_id: ours, of this connection alone: the address of its metadata.
        acs_url: where responses are posted.
        idp_entity_id: theirs.
        idp_sign_in_url: where people are sent; the redirect binding.
        idp_certificates: PEM, the only ones that sign.
        groups_attribute: where groups are; "" for nowhere.
        email_attribute: where the address is, if not where it usually is.
    """

    entity_id: str
    acs_url: str
    idp_entity_id: str = ""
    idp_sign_in_url: str = ""
    idp_certificates: tuple[str, ...] = ()
    groups_attribute: str = "groups"
    email_attribute: str = ""


@dataclass(frozen=True, slots=True)
class Assertion:
    """An assertion that holds.

    Attributes:
        claims: about whom it is.
        fingerprint: SHA-256 of issuer and assertion id, hex: nothing is accepted twice under it.
        in_response_to: the request that it confirms, from its signed part.
        expires_at: when it is no longer accepted.
    """

    claims: Claims
    fingerprint: str
    in_response_to: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """What an administrator pastes: the parts of an identity provider's metadata that are used."""

    entity_id: str
    sign_in_url: str
    certificates: tuple[str, ...]


def sign_in_request(sp: ServiceProvider) -> tuple[str, str]:
    """(where to send the browser, id of the request that must be answered)."""
    auth = OneLogin_Saml2_Auth(_request(sp, {}), _settings(sp))
    # An empty RelayState: where to go afterwards is remembered here, not by the provider.
    return auth.login(return_to=""), auth.get_last_request_id()


def own_metadata(sp: ServiceProvider) -> bytes:
    """The document that an administrator gives to the identity provider."""
    text = OneLogin_Saml2_Settings(_settings(sp), sp_validation_only=True).get_sp_metadata()
    return text if isinstance(text, bytes) else text.encode()


def check_response(sp: ServiceProvider, encoded: str, *, now: datetime) -> Assertion:
    """What a posted response asserts.

    That it answers a request of this browser's session, and was not seen before, is for the caller to check.

    Args:
        sp: of the connection at whose address it was posted.
        encoded: the form's SAMLResponse.
        now: UTC.

    Raises:
        SignInRefused: with the check that failed.
    """
    if not encoded or len(encoded) > MAX_RESPONSE:
        raise SignInRefused("malformed", "SAMLResponse is missing or too long")
    try:
        base64.b64decode("".join(encoded.split()), validate=True)
        response = OneLogin_Saml2_Response(OneLogin_Saml2_Settings(_settings(sp)), encoded)
        response.is_valid(_request(sp, {"SAMLResponse": encoded}), raise_exceptions=True)
        if response.encrypted:
            raise SignInRefused("malformed", "encrypted assertions cannot be read")
        return _strictly(sp, response, now)
    except OneLogin_Saml2_ValidationError as error:
        raise SignInRefused(_CODES.get(error.code, "malformed"), str(error)) from error
    except OneLogin_Saml2_Error as error:
        raise SignInRefused("malformed", str(error)) from error
    except (etree.LxmlError, ValueError, TypeError, KeyError) as error:
        raise SignInRefused("malformed", f"the response cannot be read ({type(error).__name__})") from error


def _strictly(sp: ServiceProvider, response: OneLogin_Saml2_Response, now: datetime) -> Assertion:
    assertion = response.document.find("saml:Assertion", _NS)
    if assertion is None or not assertion.get("ID"):
        raise SignInRefused("wrapped", "the assertion is not where it belongs")
    issuer = _text(assertion.find("saml:Issuer", _NS))
    if issuer != sp.idp_entity_id:
        raise SignInRefused("wrong-issuer", "the assertion is of another issuer")
    if response.document.get("Destination", sp.acs_url) != sp.acs_url:
        raise SignInRefused("wrong-address", "the response was made for another address")
    restrictions = assertion.findall("saml:Conditions/saml:AudienceRestriction", _NS)
    if not restrictions or not all(
        sp.entity_id in [_text(audience) for audience in each.findall("saml:Audience", _NS)] for each in restrictions
    ):
        raise SignInRefused("wrong-audience", f"the assertion is not for {sp.entity_id}")
    confirmed = _confirmation(sp, assertion, now)
    subject = assertion.find("saml:Subject/saml:NameID", _NS)
    name = _text(subject)
    if subject is None or not 0 < len(name) <= MAX_SUBJECT or not name.isprintable():
        raise SignInRefused("bad-subject", "the NameID must be 1 to 255 printable characters")
    form = subject.get("Format", "")
    if form == _TRANSIENT:
        raise SignInRefused("bad-subject", "the NameID is another one at every sign-in: use a persistent one")
    values = response.get_attributes()
    mail = values.get(sp.email_attribute, []) if sp.email_attribute else []
    mail = mail or next((values[each] for each in _MAIL if values.get(each)), [])
    return Assertion(
        Claims(
            name,
            address(mail[0] if mail else (name if form == _EMAIL_NAME else "")),
            None,
            str(next((values[each][0] for each in _NAME if values.get(each)), ""))[:128],
            tuple(
                str(group)
                for group in (values.get(sp.groups_attribute, []) if sp.groups_attribute else [])[:MAX_GROUPS]
            ),
        ),
        hashlib.sha256(f"{issuer}\0{assertion.get('ID')}".encode()).hexdigest(),
        confirmed[0],
        confirmed[1],
    )


def _confirmation(sp: ServiceProvider, assertion: Any, now: datetime) -> tuple[str, datetime]:
    """(request, end) of the bearer confirmation that holds here and now."""
    unsolicited = False
    for confirmation in assertion.findall("saml:Subject/saml:SubjectConfirmation", _NS):
        data = confirmation.find("saml:SubjectConfirmationData", _NS)
        if confirmation.get("Method") != _BEARER or data is None or data.get("Recipient") != sp.acs_url:
            continue
        end = OneLogin_Saml2_Utils.parse_SAML_to_time(data.get("NotOnOrAfter", ""))
        if end <= now.timestamp():
            continue
        if not data.get("InResponseTo"):
            unsolicited = True
            continue
        return data.get("InResponseTo")[:128], datetime.fromtimestamp(end, UTC)
    if unsolicited:
        raise SignInRefused("unsolicited", "the provider was not asked: signing in begins here")
    raise SignInRefused("not-confirmed", f"nothing confirms the subject for {sp.acs_url} now")


def read_metadata(document: str) -> IdpMetadata:
    """The parts of an identity provider's metadata document that are used.

    Raises:
        Malformed: naming what is missing or wrong.
    """
    if len(document) > MAX_RESPONSE:
        raise Malformed("longer than 256 KiB", "metadata")
    try:
        found = OneLogin_Saml2_IdPMetadataParser.parse(document.encode(), required_sso_binding=_REDIRECT).get("idp", {})
    except (OneLogin_Saml2_Error, etree.LxmlError, ValueError, KeyError, AttributeError) as error:
        raise Malformed("this is not a SAML metadata document", "metadata") from error
    multi = found.get("x509certMulti", {}).get("signing", [])
    return IdpMetadata(
        check_entity(found.get("entityId", "")),
        check_sign_in_url(found.get("singleSignOnService", {}).get("url", "")),
        check_certificates(multi or [found.get("x509cert", "")]),
    )


def check_entity(value: str) -> str:
    """An entity id.

    Raises:
        Malformed: if it is empty or too long.
    """
    if not 0 < len(value) <= 255 or not value.isprintable():
        raise Malformed("the entity id of the identity provider is needed: 1 to 255 characters", "idp_entity_id")
    return value


def check_sign_in_url(value: str) -> str:
    """Where people are sent; the address must speak the redirect binding.

    Raises:
        Malformed: if it is no https address.
    """
    if len(value) > 512:
        raise Malformed("at most 512 characters", "idp_sign_in_url")
    return check_address(value, "idp_sign_in_url")


def check_certificates(values: list[str]) -> tuple[str, ...]:
    """Certificates as PEM, from PEM or bare base64; one to four of them, each with a key that is strong enough.

    Raises:
        Malformed: if one cannot be read or is too weak.
    """
    found = []
    for value in values:
        bare = "".join(line for line in value.splitlines() if not line.startswith("-----"))
        try:
            certificate = x509.load_der_x509_certificate(base64.b64decode("".join(bare.split()), validate=True))
        except (ValueError, binascii.Error) as error:
            raise Malformed("this is not an X.509 certificate", "idp_certificates") from error
        key = certificate.public_key()
        if not (isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048) and not isinstance(
            key, ec.EllipticCurvePublicKey
        ):
            raise Malformed(
                "the certificate's key must be RSA with 2048 bits or more, or an elliptic curve's", "idp_certificates"
            )
        found.append(certificate.public_bytes(Encoding.PEM).decode())
    if not 1 <= len(set(found)) <= 4:
        raise Malformed("one to four signing certificates are needed", "idp_certificates")
    return tuple(dict.fromkeys(found))


def _text(element: Any) -> str:
    """All text of an element: a comment in it cuts nothing off."""
    return "" if element is None else "".join(element.itertext()).strip()


def _request(sp: ServiceProvider, form: dict[str, str]) -> dict[str, Any]:
    scheme, _, rest = sp.acs_url.partition("://")
    host, _, path = rest.partition("/")
    return {
        "https": "on" if scheme == "https" else "off",
        "http_host": host,
        "script_name": "/" + path,
        "get_data": {},
        "post_data": form,
    }


def _settings(sp: ServiceProvider) -> dict[str, Any]:
    return {
        "strict": True,
        "sp": {"entityId": sp.entity_id, "assertionConsumerService": {"url": sp.acs_url, "binding": _POST}},
        "idp": {
            "entityId": sp.idp_entity_id,
            "singleSignOnService": {"url": sp.idp_sign_in_url, "binding": _REDIRECT},
            "x509certMulti": {"signing": list(sp.idp_certificates)},
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantNameId": True,
            "wantAttributeStatement": False,
            "allowRepeatAttributeName": True,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
            "allowSingleLabelDomains": True,
            "signatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "digestAlgorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
        },
    }
