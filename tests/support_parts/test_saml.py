"""The SAML identity provider of the tests is a real one; its attacks are told apart by a real service provider."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from lxml import etree
from onelogin.saml2.auth import OneLogin_Saml2_Auth
from onelogin.saml2.settings import OneLogin_Saml2_Settings

from tests.support.saml import ATTACKS, SamlIdp

POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
HOST = {"https": "on", "http_host": "sp.example", "script_name": "/acs", "get_data": {}}
# A service provider that reads no further than the standard settings of python3-saml lets these in.
LEFT_TO_THE_READER = {"no_audience", "unsolicited", "comment_in_name"}


def _settings(idp: SamlIdp) -> dict[str, Any]:
    return {
        "strict": True,
        "sp": {
            "entityId": "https://sp.example/metadata",
            "assertionConsumerService": {"url": "https://sp.example/acs", "binding": POST},
        },
        "idp": {
            "entityId": idp.entity_id,
            "x509cert": idp.certificate,
            "singleSignOnService": {"url": f"{idp.url}/sso", "binding": REDIRECT},
        },
        "security": {
            "wantAssertionsSigned": True,
            "wantNameId": True,
            "rejectDeprecatedAlgorithm": True,
            "requestedAuthnContext": False,
        },
    }


@pytest.fixture(scope="module")
def idp() -> Iterator[SamlIdp]:
    with SamlIdp() as running:
        metadata = OneLogin_Saml2_Settings(_settings(running), sp_validation_only=True).get_sp_metadata()
        running.trust(metadata)
        running.user("anna-1", mail="anna@a.example", groups=["auditors", "staff"])
        yield running


def _asked(idp: SamlIdp) -> tuple[str, str]:
    auth = OneLogin_Saml2_Auth({**HOST, "post_data": {}}, _settings(idp))
    return auth.login(return_to="a-relay-state"), auth.get_last_request_id()


def _read(idp: SamlIdp, fields: dict[str, str], request: str) -> OneLogin_Saml2_Auth:
    auth = OneLogin_Saml2_Auth({**HOST, "post_data": fields}, _settings(idp))
    auth.process_response(request_id=request)
    return auth


def _refused(idp: SamlIdp, attack: str) -> bool:
    idp.attack(attack)
    try:
        url, request = _asked(idp)
        return not _read(idp, idp.answer(url, "anna-1").fields, request).is_authenticated()
    except Exception:  # whatever the reader makes of it, it did not let the user in
        return True
    finally:
        idp.attack(None)


def test_an_honest_response_is_accepted(idp: SamlIdp) -> None:
    url, request = _asked(idp)
    answer = idp.answer(url, "anna-1")
    assert answer.url == "https://sp.example/acs"
    assert answer.fields["RelayState"] == "a-relay-state"
    read = _read(idp, answer.fields, request)
    assert read.is_authenticated()
    assert read.get_nameid() == "anna-1"
    assert read.get_attributes()["groups"] == ["auditors", "staff"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_or_left_to_the_reader(idp: SamlIdp, attack: str) -> None:
    assert _refused(idp, attack) == (attack not in LEFT_TO_THE_READER)


def test_pages_let_a_browser_choose_and_post(idp: SamlIdp) -> None:
    url, _ = _asked(idp)
    choice = etree.HTML(httpx.get(url).text)
    assert choice.xpath("//a/text()") == ["anna-1"]
    form = etree.HTML(httpx.get(httpx.URL(url).join(choice.xpath("string(//a/@href)"))).text)
    assert form.xpath("string(//form/@action)") == "https://sp.example/acs"
    assert form.xpath("//input/@name") == ["SAMLResponse", "RelayState"]


def test_the_metadata_names_the_certificate(idp: SamlIdp) -> None:
    text = httpx.get(idp.entity_id).text
    assert "".join(idp.certificate.split("-----")[2].split()) in "".join(text.split())


def test_an_unknown_attack_is_an_error(idp: SamlIdp) -> None:
    with pytest.raises(ValueError, match="xsw4_child"):
        idp.attack("none_such")
