"""Signing in through a real SAML identity provider, and what a bad one, or somebody in between, tries."""

import base64

import httpx
import pytest

from tests.sso.conftest import Home, answer_saml, signed_in_as
from tests.support.people import make_person, submit
from tests.support.saml import ATTACKS, EMAIL, SamlIdp

REASONS = {
    "answer_to_another": "no-sign-in",
    "confirmation_expired": "not-confirmed",
    "confirms_another": "not-confirmed",
    "entity": "malformed",
    "expired": "expired",
    "failed": "provider-refused",
    "no_audience": "wrong-audience",
    "no_name_id": "bad-subject",
    "not_xml": "malformed",
    "not_yet_valid": "from-the-future",
    "only_response_signed": "unsigned",
    "other_key": "bad-signature",
    "sha1_digest": "weak-algorithm",
    "sha1_signature": "weak-algorithm",
    "tampered": "bad-signature",
    "unsigned": "unsigned",
    "unsolicited": "unsolicited",
    "wrong_assertion_issuer": "wrong-issuer",
    "wrong_audience": "wrong-audience",
    "wrong_destination": "wrong-address",
    "wrong_issuer": "wrong-issuer",
    "wrong_recipient": "not-confirmed",
    "xsw3_same_id": "wrapped",
    "xsw3_sibling": "wrapped",
    "xsw4_child": "wrapped",
    "xsw5_signature_moved": "wrapped",
    "xsw6_in_signature": "wrapped",
    "xsw7_in_extensions": "wrapped",
    "xsw8_in_object": "wrapped",
}


@pytest.fixture(scope="module")
def attacked(shared_home: Home, idp_process: SamlIdp) -> str:
    """A connection with anna-1, a member without a second factor, and somebody-else, whom the attacks want to be."""
    connection = shared_home.set_up_saml(idp_process)
    for subject in ("anna-1", "somebody-else"):
        person = make_person(shared_home.tenant.installation, shared_home.tenant, "viewer", second_factor=False)
        shared_home.link(connection, subject, person)
        idp_process.user(subject, mail=person.email)
    return connection


def _identity(home: Home, subject: str) -> str:
    return str(home.row("SELECT user_id FROM django.sso_identity WHERE subject = %s", subject)[0])


def test_every_attack_of_the_test_provider_is_tried() -> None:
    assert set(REASONS) | {"comment_in_name"} == set(ATTACKS)


@pytest.mark.parametrize("attack", sorted(REASONS))
def test_a_bad_response_lets_nobody_in(shared_home: Home, attacked: str, idp: SamlIdp, attack: str) -> None:
    before = len(shared_home.reasons())
    idp.attack(attack)
    with shared_home.admin.client() as client:
        page = answer_saml(client, shared_home, idp, attacked, "anna-1")
        assert signed_in_as(client, shared_home) is None
    assert page.status_code == 403
    assert "You were not signed in" in page.text
    assert REASONS[attack] not in page.text
    assert shared_home.reasons()[before:] == [REASONS[attack]]


@pytest.mark.parametrize("attack", [None, "comment_in_name"])
def test_a_good_response_lets_its_subject_in_and_a_comment_makes_it_nobody_else(
    shared_home: Home, attacked: str, idp: SamlIdp, attack: str | None
) -> None:
    idp.attack(attack)
    with shared_home.admin.client() as client:
        answer_saml(client, shared_home, idp, attacked, "anna-1")
        assert signed_in_as(client, shared_home) == _identity(shared_home, "anna-1")


def test_a_member_with_a_second_factor_is_asked_for_it(home: Home, idp: SamlIdp, browser_client: httpx.Client) -> None:
    connection = home.set_up_saml(idp)
    person = make_person(home.tenant.installation, home.tenant, "engineer")
    home.link(connection, "bert-1", person)
    idp.user("bert-1", mail=person.email)
    page = answer_saml(browser_client, home, idp, connection, "bert-1")
    assert page.url.path == home.at("/account/second-factor")
    submit(browser_client, home.at("/account/second-factor"), {"code": person.code()})
    assert signed_in_as(browser_client, home) == person.user_id


def test_somebody_of_a_verified_domain_joins_with_the_roles_of_their_groups(
    home: Home, idp: SamlIdp, browser_client: httpx.Client
) -> None:
    connection = home.set_up_saml(idp, joins="on", group_roles="eng = engineer")
    home.verify_domain(f"{home.slug}.test")
    address = f"new@{home.slug}.test"
    idp.user(address, name_id_format=EMAIL, groups=["eng", "other"])
    answer_saml(browser_client, home, idp, connection, address)
    assert home.members()[address] == {"engineer"}
    # What was asserted is not kept once it was used.
    assert home.rows("SELECT claims FROM django.sso_arrival") == [({},)]


def test_a_response_is_taken_once_even_by_the_same_browser(shared_home: Home, attacked: str, idp: SamlIdp) -> None:
    with shared_home.admin.client() as client:
        sent = client.get(shared_home.at(f"/sso/{attacked}/start"), follow_redirects=False)
        answer = idp.answer(sent.headers["location"], "anna-1")
        first = client.post(answer.url, data=answer.fields, follow_redirects=False)
        assert client.post(answer.url, data=answer.fields).status_code == 403
        assert shared_home.reasons()[-1] == "replayed"
        assert client.get(first.headers["location"]).status_code != 403
        assert signed_in_as(client, shared_home) is not None
        assert client.get(first.headers["location"]).status_code == 403
        assert shared_home.reasons()[-1] == "no-arrival"


def test_a_response_posted_by_another_browser_lets_nobody_in(shared_home: Home, attacked: str, idp: SamlIdp) -> None:
    with shared_home.admin.client() as client, shared_home.admin.client() as stranger:
        sent = client.get(shared_home.at(f"/sso/{attacked}/start"), follow_redirects=False)
        answer = idp.answer(sent.headers["location"], "anna-1")
        assert stranger.post(answer.url, data=answer.fields).status_code == 403
        assert signed_in_as(stranger, shared_home) is None
    assert shared_home.reasons()[-1] == "no-sign-in"


def test_the_unsigned_request_of_the_response_is_not_believed(shared_home: Home, attacked: str, idp: SamlIdp) -> None:
    """A stolen assertion under a response that names the thief's own request: only the assertion is signed."""
    with shared_home.admin.client() as victim, shared_home.admin.client() as thief:
        sent = victim.get(shared_home.at(f"/sso/{attacked}/start"), follow_redirects=False)
        stolen = idp.answer(sent.headers["location"], "anna-1")
        own = thief.get(shared_home.at(f"/sso/{attacked}/start"), follow_redirects=False)
        of_thief = idp.answer(own.headers["location"], "somebody-else")
        request = of_thief.xml().split(b'InResponseTo="')[1].split(b'"')[0]
        changed = stolen.xml().split(b'InResponseTo="', 1)
        head, tail = changed[0], changed[1].split(b'"', 1)[1]
        forged = head + b'InResponseTo="' + request + b'"' + tail
        page = thief.post(stolen.url, data={"SAMLResponse": base64.b64encode(forged).decode()})
        assert page.status_code == 403
        assert signed_in_as(thief, shared_home) is None


def test_a_response_for_one_tenant_is_worth_nothing_in_another(
    shared_home: Home, attacked: str, other_home: Home, idp: SamlIdp
) -> None:
    other = other_home.set_up_saml(idp)
    with shared_home.admin.client() as client:
        sent = client.get(shared_home.at(f"/sso/{attacked}/start"), follow_redirects=False)
        answer = idp.answer(sent.headers["location"], "anna-1")
        for path in (f"/sso/{other}/acs", f"/sso/{attacked}/acs"):
            assert client.post(other_home.at(path), data=answer.fields).status_code == 403
        assert client.post(shared_home.at(f"/sso/{other}/acs"), data=answer.fields).status_code == 403
        assert signed_in_as(client, shared_home) is None
    assert other_home.reasons() == ["wrong-address", "no-connection"]
    assert shared_home.reasons()[-1] == "no-connection"


def test_relay_state_leads_nowhere(shared_home: Home, attacked: str, idp: SamlIdp) -> None:
    with shared_home.admin.client() as client:
        sent = client.get(shared_home.at(f"/sso/{attacked}/start"), follow_redirects=False)
        answer = idp.answer(sent.headers["location"], "anna-1")
        page = client.post(answer.url, data={**answer.fields, "RelayState": "https://evil.example/"})
        assert page.url.host == "localhost"
        assert all(step.url.host == "localhost" for step in page.history)
        assert signed_in_as(client, shared_home) is not None


@pytest.mark.parametrize("given", [{}, {"SAMLResponse": ""}, {"SAMLResponse": "%%%"}, {"SAMLResponse": "A" * 300_000}])
def test_what_is_no_response_is_refused(shared_home: Home, attacked: str, given: dict[str, str]) -> None:
    with shared_home.admin.client() as client:
        page = client.post(shared_home.at(f"/sso/{attacked}/acs"), data=given)
    assert page.status_code == 403
    assert shared_home.reasons()[-1] == "malformed"


def test_a_name_that_changes_every_time_is_nobody(shared_home: Home, attacked: str, idp: SamlIdp) -> None:
    idp.user("t-1", name_id_format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
    with shared_home.admin.client() as client:
        assert answer_saml(client, shared_home, idp, attacked, "t-1").status_code == 403
    assert shared_home.reasons()[-1] == "bad-subject"


def test_the_metadata_asks_for_signed_assertions(shared_home: Home, attacked: str) -> None:
    answer = shared_home.client.get(shared_home.at(f"/sso/{attacked}/metadata"))
    assert answer.headers["content-type"] == "application/samlmetadata+xml"
    assert 'WantAssertionsSigned="true"' in answer.text
    assert f'entityID="{shared_home.base}{shared_home.at(f"/sso/{attacked}/metadata")}"' in answer.text
