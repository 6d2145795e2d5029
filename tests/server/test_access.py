"""Who may do what: keys, scopes, revocation, tenants."""

import httpx
import pytest

from muniment.ledger.apikeys import revoke_api_key
from muniment.ledger.connection import tenant_transaction
from tests.server.events import complete, event, ulid
from tests.support.servers import Installation, Tenant, client_with

READS = (
    "/api/log",
    "/api/entries",
    "/api/entries/0",
    "/api/entries/0/proof",
    "/api/entries/0/body",
    "/api/audit/walks",
)
NOBODY = "mk_01KAY9M2Z7Q4WXYH3J8V5T6R0C_" + "A" * 43


def assert_refused(answer: httpx.Response, status: int, kind: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == f"urn:muniment:problem:{kind}"


def revoke(tenant: Tenant, key_id: str) -> None:
    with (
        tenant.installation.database.connect("app", autocommit=True) as connection,
        tenant_transaction(connection, tenant.made.tenant_id),
    ):
        revoke_api_key(connection, by="system:test", log_id=tenant.made.log_id, key_id=key_id)


@pytest.mark.parametrize("token", [None, NOBODY, "mk_short", "-", "sk_01KAY9M2Z7Q4WXYH3J8V5T6R0C_" + "A" * 43])
def test_without_a_valid_key_nothing_is_appended_or_read(tenant: Tenant, token: str | None) -> None:
    with tenant.with_token(token) as client:
        answers = [client.post("/api/events", json={"event": event()}), *(client.get(path) for path in READS)]
        answers.append(client.post("/api/bundles", json={}))
        answers.append(client.get(f"/logs/{tenant.origin}/tile/0/000.p/1"))
    for answer in answers:
        assert_refused(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_right_id_with_another_secret_is_nobody(tenant: Tenant) -> None:
    ulid_part = tenant.made.tokens["append"].split("_")[1]
    with tenant.with_token(f"mk_{ulid_part}_{'A' * 43}") as client:
        assert_refused(client.post("/api/events", json={"event": event()}), 401, "unauthenticated")


def test_basic_authentication_and_two_headers_are_refused(tenant: Tenant) -> None:
    token = tenant.made.tokens["append"]
    with tenant.with_token(None) as client:
        basic = client.post("/api/events", json={"event": event()}, headers={"Authorization": f"Basic {token}"})
        twice = client.post(
            "/api/events",
            json={"event": event()},
            headers=[("Authorization", f"Bearer {NOBODY}"), ("Authorization", f"Bearer {token}")],
        )
    assert_refused(basic, 401, "unauthenticated")
    assert_refused(twice, 401, "unauthenticated")


def test_a_read_key_cannot_append_and_an_append_key_cannot_read_what_is_not_its_own(tenant: Tenant) -> None:
    with tenant.client("read") as read, tenant.client() as append:
        assert_refused(read.post("/api/events", json={"event": event()}), 403, "wrong-scope")
        assert_refused(append.get("/api/entries"), 403, "wrong-scope")
        assert_refused(append.get("/api/audit/walks"), 403, "wrong-scope")
        assert_refused(append.post("/api/bundles", json={}), 403, "wrong-scope")
        assert_refused(append.post("/api/bundles", json={"from": 0, "to": 0}), 403, "wrong-scope")
        assert_refused(append.get(f"/logs/{tenant.origin}/tile/0/000.p/1"), 403, "wrong-scope")


def test_a_revoked_key_appends_nothing_although_it_was_seen_a_moment_ago(tenant: Tenant) -> None:
    key_id, token = tenant.new_key("append")
    with tenant.with_token(token) as client:
        assert client.post("/api/events", json={"event": event()}).status_code == 201
        revoke(tenant, key_id)
        assert_refused(client.post("/api/events", json={"event": event()}), 401, "unauthenticated")
        assert_refused(client.get("/api/entries/0"), 401, "unauthenticated")


def test_a_revoked_key_spoils_nobody_else_s_append(tenant: Tenant) -> None:
    key_id, token = tenant.new_key("append")
    with tenant.with_token(token) as revoked, tenant.client() as good:
        assert revoked.post("/api/events", json={"event": event()}).status_code == 201
        revoke(tenant, key_id)
        answers = [client.post("/api/events", json={"event": event()}) for client in (good, revoked, good)]
    assert [answer.status_code for answer in answers] == [201, 401, 201]


def test_a_revoked_read_key_reads_nothing(tenant: Tenant) -> None:
    key_id, token = tenant.new_key("read")
    with tenant.with_token(token) as client:
        assert client.get("/api/log").status_code == 200
        revoke(tenant, key_id)
        assert_refused(client.get("/api/log"), 401, "unauthenticated")


def test_another_tenant_s_log_answers_as_if_it_did_not_exist(installation: Installation) -> None:
    mine, theirs = installation.tenant(public_verify=False), installation.tenant(public_verify=False)
    submission = complete(f"src_{ulid()}")
    source, event_id = submission["event"]["source"]["id"], submission["event"]["id"]
    with theirs.client() as client:
        their_seq = 0
        while their_seq < 10:
            their_seq = client.post("/api/events", json=complete(source)).json()["seq"]
        assert client.post("/api/events", json=submission).status_code == 201
    installation.seal()
    missing = f"{theirs.origin[:-2]}zz"
    with mine.client("read") as client:
        pairs = [
            (f"/api/entries/{source}/{event_id}", f"/api/entries/{source}/evt_{ulid()}"),
            (f"/api/entries/{their_seq}", "/api/entries/9999"),
            (f"/api/entries/{source}/{event_id}/proof", f"/api/entries/{source}/evt_{ulid()}/proof"),
            (f"/api/entries/{source}/{event_id}/body", f"/api/entries/{source}/evt_{ulid()}/body"),
            *(
                (f"/logs/{theirs.origin}/{path}", f"/logs/{missing}/{path}")
                for path in ("checkpoint", "keys", "tile/0/000.p/1", "tile/entries/000.p/1")
            ),
        ]
        for theirs_path, nobodys_path in pairs:
            found, missed = client.get(theirs_path), client.get(nobodys_path)
            assert_refused(found, 404, "not-found")
            assert found.content == missed.content
        named = client.post("/api/bundles", json={"ids": [f"{source}/{event_id}"]})
        assert_refused(named, 404, "not-found")
        listed = client.get("/api/entries", params={"source": source}).json()
    assert listed["entries"] == []


def test_an_append_key_reads_its_own_sources_and_no_others(tenant: Tenant) -> None:
    _, token = tenant.new_key("append")
    submission = complete(f"src_{ulid()}")
    with tenant.client() as mine, tenant.with_token(token) as other:
        receipt = mine.post("/api/events", json=submission).json()
        tenant.installation.seal()
        seq = receipt["seq"]
        for path in (f"/api/entries/{seq}", f"/api/entries/{seq}/body", f"/api/entries/{seq}/proof"):
            assert mine.get(path).status_code == 200
            assert_refused(other.get(path), 404, "not-found")
        reference = f"{submission['event']['source']['id']}/{receipt['id']}"
        for order in ({"seqs": [seq]}, {"ids": [reference]}):
            assert mine.post("/api/bundles", json=order).status_code == 200
            assert_refused(other.post("/api/bundles", json=order), 404, "not-found")
        assert_refused(mine.post("/api/bundles", json={"seqs": [0, seq]}), 404, "not-found")
        assert mine.get(f"/logs/{tenant.origin}/checkpoint").status_code == 200


def test_checkpoint_and_keys_are_public_where_the_tenant_leaves_verification_public(installation: Installation) -> None:
    open_one, closed = installation.tenant(), installation.tenant(public_verify=False)
    installation.seal()
    with client_with(installation.url, None) as nobody:
        for name in ("checkpoint", "keys"):
            assert nobody.get(f"/logs/{open_one.origin}/{name}").status_code == 200
            assert_refused(nobody.get(f"/logs/{closed.origin}/{name}"), 404, "not-found")
    with closed.client() as append, closed.client("read") as read:
        assert append.get(f"/logs/{closed.origin}/checkpoint").status_code == 200
        assert read.get(f"/logs/{closed.origin}/keys").status_code == 200
