"""Passkeys against whoever writes the browser's answers: each is wrong in one way, and the right one is taken."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.accounts.softkey import PRESENT, SoftKey
from tests.accounts.test_second_factor import session_edit
from tests.support.people import Person, csrf_token, make_person, submit
from tests.support.servers import Installation, Tenant

Entries = Callable[..., list[Any]]
NEW = "/account/second-factors/passkey"


def ask(client: httpx.Client, path: str, page: str) -> dict[str, Any]:
    """Options for a ceremony, as the page's script asks for them."""
    answer = client.post(path, headers={"X-CSRFToken": csrf_token(client.get(page)), "Referer": str(client.base_url)})
    assert answer.status_code == 200, answer.text
    options: dict[str, Any] = answer.json()
    return options


def send(client: httpx.Client, path: str, page: str, credential: object, **fields: str) -> httpx.Response:
    data = {"csrfmiddlewaretoken": csrf_token(client.get(page)), "credential": json.dumps(credential), **fields}
    return client.post(path, data=data, headers={"Referer": str(client.base_url)})


def register(client: httpx.Client, key: SoftKey) -> httpx.Response:
    options = ask(client, f"{NEW}/options", "/account/second-factors/new")
    return send(client, NEW, "/account/second-factors/new", key.create(options), name="Soft key")


def challenge(client: httpx.Client) -> dict[str, Any]:
    return ask(client, "/account/login/passkey/options", "/account/login")


def sign_in(client: httpx.Client, answer: object) -> httpx.Response:
    return send(client, "/account/login/passkey", "/account/login", answer)


@pytest.fixture
def key(ada: Person) -> SoftKey:
    """A passkey of Ada's."""
    made = SoftKey(ada.base)
    with ada.signed_in() as client:
        page = register(client, made)
        assert "recovery codes" in page.text.lower(), page.text
    return made


def signed_in(client: httpx.Client) -> bool:
    return client.get("/account").url.path == "/account"


def test_the_right_answer_signs_in(ada: Person, key: SoftKey, entries: Entries) -> None:
    with ada.client() as client:
        sign_in(client, key.get(challenge(client)))
        assert signed_in(client)
    assert entries(ada.subject, "user.login")[-1].labels["method"] == "passkey+mfa"


def wrong_origin(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    return dataclasses.replace(key, origin="https://localhost.evil.example").get(options)


def another_port(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    return dataclasses.replace(key, origin="http://localhost:1").get(options)


def another_relying_party(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    return dataclasses.replace(key, rp="evil.example").get(options)


def user_not_verified(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    return dataclasses.replace(key, flags=PRESENT).get(options)


def nobody_present(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    return dataclasses.replace(key, flags=0).get(options)


def another_challenge(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    return key.get({**options, "challenge": "A" * 43})


def another_ceremony(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    return key.get(options, kind="webauthn.create")


def no_user_handle(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    answer = key.get(options)
    del answer["response"]["userHandle"]
    return answer


def handle_of_another(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    return dataclasses.replace(key, handle="dXNyXzAx").get(options)


def signature_of_another_key(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    return SoftKey(key.origin, handle=key.handle, credential_id=key.credential_id).get(options)


def credential_nobody_has(key: SoftKey, options: dict[str, Any]) -> dict[str, Any]:
    return SoftKey(key.origin, handle=key.handle).get(options)


@pytest.mark.parametrize(
    "lie",
    [
        wrong_origin,
        another_port,
        another_relying_party,
        user_not_verified,
        nobody_present,
        another_challenge,
        another_ceremony,
        no_user_handle,
        handle_of_another,
        signature_of_another_key,
        credential_nobody_has,
    ],
    ids=lambda lie: lie.__name__,
)
def test_an_answer_that_is_wrong_in_one_way_signs_nobody_in(
    ada: Person, key: SoftKey, lie: Callable[[SoftKey, dict[str, Any]], dict[str, Any]]
) -> None:
    with ada.client() as client:
        page = sign_in(client, lie(key, challenge(client)))
        assert page.status_code == 422
        assert "That passkey does not belong to an account here" in page.text
        assert not signed_in(client)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"id": 7, "rawId": 7, "type": "public-key", "response": {}},
        {"id": "é", "rawId": "é", "response": {"clientDataJSON": "", "authenticatorData": "", "signature": ""}},
        {"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA", "signature": None}},
        {"id": "\u0000", "rawId": "\u0000", "type": "public-key", "response": "no"},
    ],
)
def test_an_answer_that_is_none_is_refused_and_not_a_fault(ada: Person, answer: object) -> None:
    with ada.client() as client:
        challenge(client)
        assert sign_in(client, answer).status_code == 422


def test_an_answer_is_taken_once(ada: Person, key: SoftKey) -> None:
    with ada.client() as client:
        answer = key.get(challenge(client))
        sign_in(client, answer)
        assert signed_in(client)
        client.cookies.clear()
        assert sign_in(client, answer).status_code == 422
        # A challenge of another session is no better.
        challenge(client)
        assert sign_in(client, answer).status_code == 422
        assert not signed_in(client)


def test_a_failed_attempt_uses_its_challenge_up(ada: Person, key: SoftKey) -> None:
    with ada.client() as client:
        options = challenge(client)
        assert sign_in(client, another_ceremony(key, options)).status_code == 422
        assert sign_in(client, key.get(options)).status_code == 422


def test_a_challenge_is_over_after_five_minutes(installation: Installation, ada: Person, key: SoftKey) -> None:
    with ada.client() as client:
        options = challenge(client)
        session_edit(
            installation, client, lambda data: data["muniment_passkey"].update(at=data["muniment_passkey"]["at"] - 301)
        )
        assert sign_in(client, key.get(options)).status_code == 422


def test_a_challenge_of_signing_in_is_none_for_a_second_factor(ada: Person, key: SoftKey) -> None:
    with ada.client() as client:
        submit(client, "/account/login", {"email": ada.email, "password": ada.password})
        answer = key.get(ask(client, "/account/login/passkey/options", "/account/second-factor"))
        page = send(client, "/account/second-factor", "/account/second-factor", answer)
        assert page.status_code == 422
        assert not signed_in(client)


def test_the_passkey_of_another_is_no_second_factor(
    installation: Installation, tenant: Tenant, ada: Person, entries: Entries
) -> None:
    eve = make_person(installation, tenant)
    own = SoftKey(eve.base)
    with eve.signed_in() as client:
        register(client, own)
    with ada.signed_in() as client:
        register(client, SoftKey(ada.base))
    with ada.client() as client:
        submit(client, "/account/login", {"email": ada.email, "password": ada.password})
        options = ask(client, "/account/second-factor/options", "/account/second-factor")
        assert own.get(options)["id"] not in [one["id"] for one in options["allowCredentials"]]
        page = send(client, "/account/second-factor", "/account/second-factor", own.get(options))
        assert page.status_code == 422
        assert not signed_in(client)
    (failed,) = [told for told in entries(ada.subject, "mfa.verify") if told.outcome == "failure"]
    assert failed.labels["factor"] == "webauthn"


def test_a_passkey_that_is_taken_by_another_account_is_refused(
    installation: Installation, tenant: Tenant, key: SoftKey
) -> None:
    eve = make_person(installation, tenant)
    with eve.signed_in() as client:
        page = register(client, dataclasses.replace(key))
        assert page.status_code == 422
        assert "in use already" in page.text


@pytest.mark.parametrize("change", [{"origin": "https://evil.example"}, {"rp": "evil.example"}, {"flags": PRESENT}])
def test_a_passkey_is_added_only_here_and_by_a_verified_user(
    ada: Person, change: dict[str, Any], entries: Entries
) -> None:
    with ada.signed_in() as client:
        page = register(client, dataclasses.replace(SoftKey(ada.base), **change))
        assert page.status_code == 422
        assert "Soft key" not in client.get("/account").text
    (told,) = entries(ada.subject, "mfa.change")
    assert told.outcome == "failure"


def test_adding_a_passkey_needs_a_fresh_second_factor(installation: Installation, ada: Person) -> None:
    with ada.signed_in() as client:
        options = ask(client, f"{NEW}/options", "/account/second-factors/new")
        answer = SoftKey(ada.base).create(options)
        token = csrf_token(client.get("/account/second-factors/new"))
        session_edit(
            installation,
            client,
            lambda data: [row.update(at=row["at"] - 301) for row in data["account_authentication_methods"]],
        )
        data = {"csrfmiddlewaretoken": token, "credential": json.dumps(answer), "name": "Thief's"}
        assert client.post(NEW, data=data).url.path == "/account/step-up"
        assert client.post(f"{NEW}/options", headers={"X-CSRFToken": token}).url.path == "/account/step-up"
        assert "Thief" not in client.get("/account").text


def test_guessing_with_passkeys_ends_in_waiting(ada: Person) -> None:
    with ada.client() as client:
        answers = [sign_in(client, SoftKey(ada.base).get(challenge(client))).status_code for _ in range(22)]
    assert answers[:21] == [422] * 21
    assert answers[-1] == 429
