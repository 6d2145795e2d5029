"""A person signs an entry with two components; nobody and nothing else does, and a signature stays where it is."""

import io
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from muniment.verifier.bundle import verify_bundle
from tests.accounts.softkey import SoftKey
from tests.accounts.test_passkey_attacks import ask, register, send
from tests.accounts.test_second_factor import session_edit
from tests.server.events import complete, ulid
from tests.support.servers import Tenant
from tests.support.sitting import Sitting, entries, sitting


@pytest.fixture
def analyst(tenant: Tenant) -> Iterator[Sitting]:
    with sitting(tenant, "analyst", name="Ada Byron") as one:
        yield one


@pytest.fixture
def place(tenant: Tenant) -> int:
    return record(tenant)


def record(tenant: Tenant, **changes: object) -> int:
    with tenant.client() as append:
        answer = append.post("/api/events", json=complete(f"src_{ulid()}", b'{"a": 1}', **changes))
    assert answer.status_code == 201, answer.text
    return int(answer.json()["seq"])


def hash_of(tenant: Tenant, place: int) -> str:
    with tenant.client("read") as reading:
        return str(reading.get(f"/api/entries/{place}").json()["entry_hash"])


def sign(by: Sitting, place: int, status: int = 201, **changes: Any) -> Any:
    order = {
        "seq": place, "hash": hash_of(by.tenant, place), "meaning": "review", "password": by.person.password,
        **changes,
    }  # fmt: skip
    answer = by.send("POST", "/api/signatures", **order)
    assert answer.status_code == status, answer.text
    return answer.json()


def signatures(tenant: Tenant, place: int) -> list[Any]:
    with tenant.client("read") as reading:
        return list(reading.get("/api/signatures", params={"seq": place}).json()["signatures"])


def test_a_signature_has_name_time_and_meaning_and_stands_on_the_entry(
    tenant: Tenant, analyst: Sitting, place: int
) -> None:
    page = analyst.get(f"/signatures/{place}")
    shown = re.search(r'name="hash" value="([0-9a-f]{64})"', page.text)
    assert shown is not None
    signed = analyst.submit(
        f"/signatures/{place}", f"/signatures/{place}",
        hash=shown[1], meaning="approval", comment="<b>as discussed</b>", password=analyst.person.password,
    )  # fmt: skip
    assert signed.url.path.endswith(f"/ledger/{place}"), signed.text
    assert "Ada Byron" in signed.text
    assert "I approve this record" in signed.text
    assert "&lt;b&gt;as discussed" in signed.text
    (made,) = signatures(tenant, place)
    assert made["holds"]
    assert (made["name"], made["meaning"], made["person"]) == ("Ada Byron", "approval", analyst.person.subject)
    (entry,) = entries(tenant, action="entry.sign")
    event = entry["entry"]["event"]
    assert entry["entry"]["by"] == analyst.person.subject
    assert {f"signed.hash={shown[1]}", f"signed.seq={place}", "components=totp+password"} <= set(event["labels"])
    assert event["resource"] == {"id": str(place), "type": "entry"}
    assert "Ada Byron" in analyst.get("/signatures").text
    # What somebody is called later does not change what they signed as.
    with tenant.in_database() as raw:
        raw.execute("UPDATE django.accounts_user SET name = 'Another' WHERE id = %s", [analyst.person.user_id])
    assert signatures(tenant, place)[0]["name"] == "Ada Byron"


def test_each_signature_asks_for_the_password_and_a_wrong_one_counts_and_is_recorded(
    tenant: Tenant, analyst: Sitting, place: int
) -> None:
    for password in ("", "wrong-horse-battery"):
        said = sign(analyst, place, 403, password=password)
        assert (said["type"], said["field"]) == ("urn:muniment:problem:step-up-needed", "password")
    page = analyst.submit(
        f"/signatures/{place}", f"/signatures/{place}", hash=hash_of(tenant, place), meaning="review", password="no"
    )
    assert page.status_code == 422
    assert "that is not your password" in page.text
    assert {one["entry"]["event"]["outcome"] for one in entries(tenant, action="entry.sign")} == {"denied"}
    assert signatures(tenant, place) == []
    for _ in range(4):
        sign(analyst, place, 403, password="guess")
    assert "too many failures" in sign(analyst, place, 403)["detail"]


def test_a_second_factor_that_is_not_fresh_does_not_sign(tenant: Tenant, analyst: Sitting, place: int) -> None:
    def grow_old(data: Any) -> None:
        for one in data["account_authentication_methods"]:
            one["at"] -= 301

    session_edit(tenant.installation, analyst.client, grow_old)
    assert sign(analyst, place, 403)["type"] == "urn:muniment:problem:step-up-needed"
    assert analyst.get(f"/signatures/{place}").url.path.endswith("/step-up")


def test_a_passkey_signs_once_each_time_it_is_used(tenant: Tenant, analyst: Sitting, place: int) -> None:
    key = SoftKey(analyst.person.base)
    register(analyst.client, key)

    def step_up() -> httpx.Response:
        options = ask(analyst.client, "/account/step-up/options", "/account/step-up")
        return send(analyst.client, "/account/step-up", "/account/step-up", key.get(options))

    step_up()
    assert sign(analyst, place, password="")["holds"]
    assert sign(analyst, place, 403, password="", meaning="approval")["field"] == "password"
    step_up()
    assert sign(analyst, place, password="", meaning="approval")["holds"]
    assert {"components=webauthn"} <= set(entries(tenant, action="entry.sign")[-1]["entry"]["event"]["labels"])


def test_who_has_no_name_does_not_sign(tenant: Tenant, analyst: Sitting, place: int) -> None:
    with tenant.in_database() as raw:
        raw.execute("UPDATE django.accounts_user SET name = '' WHERE id = %s", [analyst.person.user_id])
    assert sign(analyst, place, 422)["field"] == "name"


def test_what_was_shown_is_what_is_signed(tenant: Tenant, analyst: Sitting, place: int) -> None:
    other = record(tenant)
    assert sign(analyst, place, 422, hash=hash_of(tenant, other))["field"] == "hash"
    assert sign(analyst, place, 422, meaning="blessing")["field"] == "meaning"
    answer = analyst.send(
        "POST", "/api/signatures", seq=10**9, hash="0" * 64, meaning="review", password=analyst.person.password
    )
    assert answer.status_code == 404
    sign(analyst, place)
    assert "already" in sign(analyst, place, 422)["detail"]
    with sitting(tenant, "analyst", name="Grace Hopper") as second:
        sign(second, place)
    assert [one["name"] for one in signatures(tenant, place)] == ["Ada Byron", "Grace Hopper"]


def test_ten_at_once_sign_once(tenant: Tenant, analyst: Sitting, place: int) -> None:
    hash_ = hash_of(tenant, place)
    order: dict[str, Any] = {"seq": place, "hash": hash_, "meaning": "review", "password": analyst.person.password}
    with ThreadPoolExecutor(5) as pool:
        statuses = sorted(pool.map(lambda _: analyst.send("POST", "/api/signatures", **order).status_code, range(10)))
    assert statuses.count(201) == 1, statuses
    assert len(signatures(tenant, place)) == 1


def test_no_key_signs_whatever_its_service_account_may_do(tenant: Tenant, place: int) -> None:
    order = {"seq": place, "hash": hash_of(tenant, place), "meaning": "review"}
    with tenant.client("read") as reading:
        assert "entry.sign" in reading.post("/api/signatures", json=order).json()["detail"]
    key, token = tenant.new_key("read")
    with tenant.in_database() as raw:
        role = raw.execute(
            "SELECT id FROM django.members_role WHERE tenant_id = %s AND code = 'analyst'", [tenant.made.tenant_id]
        ).fetchone()
        assert role is not None
        raw.execute(
            "INSERT INTO django.members_service (id, tenant_id, name, roles, created_at) "
            "VALUES (%s, %s, 'signs', %s, now())",
            [service := f"svc_{ulid()}", tenant.made.tenant_id, [role[0]]],
        )
        raw.execute(
            "INSERT INTO django.members_servicekey (key_id, tenant_id, service_id, created_at) "
            "VALUES (%s, %s, %s, now())",
            [key, tenant.made.tenant_id, service],
        )
    with httpx.Client(
        base_url=tenant.installation.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ) as client:
        refused = client.post("/api/signatures", json=order)
    assert refused.status_code == 403
    assert "only a person signs" in refused.json()["detail"]
    assert entries(tenant, action="entry.sign") == []
    assert any(
        "reason=not-a-person" in one["entry"]["event"]["labels"] for one in entries(tenant, action="access.refuse")
    )


def test_no_source_can_say_that_somebody_signed(tenant: Tenant, analyst: Sitting, place: int) -> None:
    forged = complete(
        f"src_{ulid()}", b"{}", action="entry.sign", actor={"id": analyst.person.subject, "type": "user"},
        labels=sorted([f"signed.seq={place}", f"signed.hash={hash_of(tenant, place)}", "meaning=approval"]),
    )  # fmt: skip
    with tenant.client() as append:
        answer = append.post("/api/events", json=forged)
        assert answer.json()["type"] == "urn:muniment:problem:reserved-action"
        # The same under a name that it may use is no signature.
        forged["event"]["action"] = "x.entry.sign"
        assert append.post("/api/events", json=forged).status_code == 201
    assert signatures(tenant, place) == []


def test_a_signature_moved_in_the_database_is_shown_as_not_holding_and_breaks_the_log(
    tenant: Tenant, analyst: Sitting, place: int
) -> None:
    other = record(tenant)
    made = sign(analyst, place)
    tenant.installation.seal()
    with tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        where = [tenant.made.log_id, made["entry"]]
        moved = [f"signed.seq={place}", f"signed.seq={other}", *where]
        raw.execute("UPDATE ledger.entries SET entry = replace(entry, %s, %s) WHERE log_id = %s AND seq = %s", moved)
        raw.execute(
            "UPDATE ledger.entry_labels SET label = %s WHERE label = %s AND log_id = %s AND seq = %s",
            [moved[1], moved[0], *where],
        )
    assert signatures(tenant, place) == []
    (found,) = signatures(tenant, other)
    assert not found["holds"]
    assert "Does not hold" in analyst.get(f"/ledger/{other}").text
    # Whoever also rewrites the stored hash breaks the chain, which every verifier finds.
    with tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        raw.execute(
            "UPDATE ledger.entries SET entry_hash = sha256('\\x00'::bytea || convert_to(entry, 'UTF8')) "
            "WHERE log_id = %s AND seq = %s",
            where,
        )
    (found,) = signatures(tenant, other)
    assert not found["holds"]
    with tenant.client("read") as reading:
        bundle = reading.post("/api/bundles", json={"seqs": [made["entry"]]})
    verdict = verify_bundle(io.BytesIO(bundle.content)).verdict if bundle.status_code == 200 else "refused"
    assert verdict != "verified"


def test_meanings_of_the_tenants_own_are_offered_and_signatures_keep_their_words(
    tenant: Tenant, analyst: Sitting, place: int
) -> None:
    with sitting(tenant) as administrator:
        saved = administrator.submit("/signatures/meanings", "/signatures/meanings", meanings="witness: I saw it done")
        assert saved.status_code == 200, saved.text
        bad = administrator.send("PUT", "/api/signatures/meanings", meanings={"approval": "mine"})
        assert (bad.status_code, bad.json()["field"]) == (422, "meanings")
        sign(analyst, place, meaning="witness")
        administrator.send("PUT", "/api/signatures/meanings", meanings={})
    assert signatures(tenant, place)[0]["words"] == "I saw it done"
    assert sign(analyst, place, 422, meaning="witness")["field"] == "meaning"
    assert analyst.send("PUT", "/api/signatures/meanings", meanings={}).status_code == 403
    assert len(entries(tenant, action="entry.meanings")) == 2


def test_another_tenants_entry_cannot_be_signed_or_seen(tenant: Tenant, analyst: Sitting) -> None:
    strange = analyst.tenant.installation.tenant()
    for _ in range(12):
        far = record(strange)
    with sitting(strange, "analyst") as other:
        sign(other, far)
    assert sign_status(analyst, far, hash_of(strange, far)) == 404
    assert signatures(tenant, far) == []


def sign_status(by: Sitting, place: int, hash_: str) -> int:
    order: dict[str, Any] = {"seq": place, "hash": hash_, "meaning": "review", "password": by.person.password}
    return by.send("POST", "/api/signatures", **order).status_code
