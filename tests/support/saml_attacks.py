"""Bad SAML responses by name: what is changed before signing, how it is signed, and what is changed afterwards.

Source: Somorovsky and others, "On Breaking SAML: Be Whoever You Want to Be" (2012), for the signature wrapping attacks
(XSW3 to XSW8 as their common numbering has them; 1 and 2 wrap a signed response).
"""

import copy
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
NS = {"saml": SAML, "samlp": SAMLP, "ds": DS}
FORGED_NAME = "somebody-else"

RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA1 = "http://www.w3.org/2000/09/xmldsig#rsa-sha1"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
SHA1 = "http://www.w3.org/2000/09/xmldsig#sha1"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

Element = etree._Element
Change = Callable[[Element], None]


@dataclass(frozen=True, slots=True)
class Signing:
    """How a response is signed: which elements, with which algorithms, by whom."""

    assertion: bool = True
    response: bool = False
    method: str = RSA_SHA256
    digest: str = SHA256
    stranger: bool = False


SIGNING = {
    "honest": Signing(),
    "unsigned": Signing(assertion=False),
    "only_response_signed": Signing(assertion=False, response=True),
    "sha1_signature": Signing(method=RSA_SHA1),
    "sha1_digest": Signing(digest=SHA1),
    "other_key": Signing(stranger=True),
}


def _one(root: Element, path: str) -> Element:
    found = root.find(path, NS)
    assert found is not None, f"the response has no {path}"
    return found


def _attribute(path: str, name: str, value: str | None) -> Change:
    def change(response: Element) -> None:
        element = response if path == "." else _one(response, path)
        if value is None:
            del element.attrib[name]
        else:
            element.set(name, value)

    return change


def _text(path: str, value: str) -> Change:
    def change(response: Element) -> None:
        _one(response, path).text = value

    return change


def _both(*changes: Change) -> Change:
    def change(response: Element) -> None:
        for each in changes:
            each(response)

    return change


def _without(path: str) -> Change:
    def change(response: Element) -> None:
        element = _one(response, path)
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)

    return change


_CONDITIONS = "saml:Assertion/saml:Conditions"
_CONFIRMED = "saml:Assertion/saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData"
_PAST, _FUTURE = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"

BEFORE_SIGNING: dict[str, Change] = {
    "expired": _both(_attribute(_CONDITIONS, "NotOnOrAfter", _PAST), _attribute(_CONDITIONS, "NotBefore", _PAST)),
    "not_yet_valid": _attribute(_CONDITIONS, "NotBefore", _FUTURE),
    "confirmation_expired": _attribute(_CONFIRMED, "NotOnOrAfter", _PAST),
    "wrong_audience": _text(f"{_CONDITIONS}/saml:AudienceRestriction/saml:Audience", "https://another.example/sp"),
    "no_audience": _without(f"{_CONDITIONS}/saml:AudienceRestriction"),
    "wrong_recipient": _attribute(_CONFIRMED, "Recipient", "https://another.example/acs"),
    "wrong_destination": _attribute(".", "Destination", "https://another.example/acs"),
    "wrong_issuer": _both(
        _text("saml:Assertion/saml:Issuer", "https://another.example/idp"),
        _text("saml:Issuer", "https://another.example/idp"),
    ),
    "wrong_assertion_issuer": _text("saml:Assertion/saml:Issuer", "https://another.example/idp"),
    "unsolicited": _both(_attribute(".", "InResponseTo", None), _attribute(_CONFIRMED, "InResponseTo", None)),
    "answer_to_another": _both(
        _attribute(".", "InResponseTo", "id-of-another-login"),
        _attribute(_CONFIRMED, "InResponseTo", "id-of-another-login"),
    ),
    "confirms_another": _attribute(_CONFIRMED, "InResponseTo", "id-of-another-login"),
    "no_name_id": _without("saml:Assertion/saml:Subject/saml:NameID"),
    "failed": _attribute("samlp:Status/samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder"),
}


def _parts(response: Element) -> tuple[Element, Element, Element]:
    """The signed assertion, a copy of it without signature, and a forged one without signature."""
    signed = _one(response, "saml:Assertion")
    bare = copy.deepcopy(signed)
    _without("ds:Signature")(bare)
    forged = copy.deepcopy(bare)
    forged.set("ID", "forged")
    _one(forged, "saml:Subject/saml:NameID").text = FORGED_NAME
    return signed, bare, forged


def _tampered(response: Element) -> bytes:
    _one(response, "saml:Assertion/saml:Subject/saml:NameID").text = FORGED_NAME
    return etree.tostring(response)


def _commented(response: Element) -> bytes:
    """Canonical form drops comments, so the signature holds; a reader that stops at one reads a shorter name."""
    name = _one(response, "saml:Assertion/saml:Subject/saml:NameID")
    text = name.text or ""
    comment = etree.Comment("cut here")
    name.text, comment.tail = text[: len(text) // 2], text[len(text) // 2 :]
    name.append(comment)
    return etree.tostring(response)


def _sibling(response: Element) -> bytes:
    signed, _, forged = _parts(response)
    signed.addprevious(forged)
    return etree.tostring(response)


def _same_id(response: Element) -> bytes:
    signed, _, forged = _parts(response)
    forged.set("ID", signed.get("ID", ""))
    signed.addprevious(forged)
    return etree.tostring(response)


def _child(response: Element) -> bytes:
    signed, _, forged = _parts(response)
    response.replace(signed, forged)
    forged.append(signed)
    return etree.tostring(response)


def _signature_moved(response: Element) -> bytes:
    signed, bare, forged = _parts(response)
    _one(forged, "saml:Issuer").addnext(_one(signed, "ds:Signature"))
    response.replace(signed, forged)
    response.append(bare)
    return etree.tostring(response)


def _in_signature(response: Element) -> bytes:
    signed, bare, forged = _parts(response)
    signature = _one(signed, "ds:Signature")
    _one(forged, "saml:Issuer").addnext(signature)
    signature.append(bare)
    response.replace(signed, forged)
    return etree.tostring(response)


def _in_extensions(response: Element) -> bytes:
    signed, _, forged = _parts(response)
    response.replace(signed, forged)
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    _one(response, "saml:Issuer").addnext(extensions)
    extensions.append(signed)
    return etree.tostring(response)


def _in_object(response: Element) -> bytes:
    signed, bare, forged = _parts(response)
    signature = _one(signed, "ds:Signature")
    _one(forged, "saml:Issuer").addnext(signature)
    etree.SubElement(signature, f"{{{DS}}}Object").append(bare)
    response.replace(signed, forged)
    return etree.tostring(response)


def _with_entity(response: Element) -> bytes:
    return b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]>' + etree.tostring(response)


AFTER_SIGNING: dict[str, Callable[[Element], bytes]] = {
    "tampered": _tampered,
    "comment_in_name": _commented,
    "xsw3_sibling": _sibling,
    "xsw3_same_id": _same_id,
    "xsw4_child": _child,
    "xsw5_signature_moved": _signature_moved,
    "xsw6_in_signature": _in_signature,
    "xsw7_in_extensions": _in_extensions,
    "xsw8_in_object": _in_object,
    "entity": _with_entity,
    "not_xml": lambda response: b"not XML at all",
}

ATTACKS = tuple(sorted({*BEFORE_SIGNING, *AFTER_SIGNING, *(name for name in SIGNING if name != "honest")}))


def sign(response: Element, how: Signing, *, key: Path) -> Element:
    """Sign the assertion, the response, both or neither, with xmlsec1.

    Args:
        response: a Response without signatures.
        key: PEM private key; its certificate beside it, named `.crt`, is put into the signature.
    """
    for path, name in (("saml:Assertion", f"{SAML}:Assertion"), (".", f"{SAMLP}:Response")):
        wanted = how.assertion if path == "saml:Assertion" else how.response
        if not wanted:
            continue
        element = response if path == "." else _one(response, path)
        _one(element, "saml:Issuer").addnext(_template(element.get("ID", ""), how))
        response = etree.fromstring(_xmlsec1(etree.tostring(response), name, element.get("ID", ""), key))
    return response


def _template(reference: str, how: Signing) -> Element:
    return etree.fromstring(
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXCLUSIVE}"/>'
        f'<ds:SignatureMethod Algorithm="{how.method}"/><ds:Reference URI="#{reference}"><ds:Transforms>'
        f'<ds:Transform Algorithm="{ENVELOPED}"/><ds:Transform Algorithm="{EXCLUSIVE}"/></ds:Transforms>'
        f'<ds:DigestMethod Algorithm="{how.digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>'
        "<ds:SignatureValue/><ds:KeyInfo><ds:X509Data/></ds:KeyInfo></ds:Signature>"
    )


def _xmlsec1(document: bytes, element: str, identifier: str, key: Path) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        file.write(document)
        file.flush()
        done = subprocess.run(
            [
                *("xmlsec1", "--sign", "--privkey-pem", f"{key},{key.with_suffix('.crt')}"),
                *("--id-attr:ID", element, "--node-xpath", f"//*[@ID='{identifier}']/*[local-name()='Signature']"),
                file.name,
            ],
            capture_output=True,
            check=False,
            timeout=30,
        )
    if done.returncode != 0:
        raise RuntimeError(f"xmlsec1 did not sign: {done.stderr.decode()}")
    return done.stdout
