"""What is left of appends with keys that are nobody's; on a server of its own, for its allowance is the process's."""

import json
import re
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from muniment.core.identifiers import ULID
from tests.server.events import event
from tests.server.test_access import assert_refused, revoke
from tests.support.servers import Installation, Tenant, client_with, serving


@pytest.fixture
def fresh(installation: Installation, tmp_path: Path) -> Iterator[Installation]:
    """Another process over the same database, which has refused nobody yet."""
    with serving(installation.database, installation.places, tmp_path / "server.log") as made:
        yield made


def refusals(installation: Installation, key_ids: list[str]) -> list[dict[str, Any]]:
    """What the installation's log says of these keys, oldest first."""
    with installation.database.connect("superuser", autocommit=True) as raw:
        rows = raw.execute(
            "SELECT e.entry FROM ledger.entries e JOIN ledger.tenants t USING (tenant_id) "
            "WHERE t.slug = 'installation' AND e.action = 'access.refuse' AND e.resource_id = ANY(%s) ORDER BY e.seq",
            [key_ids],
        ).fetchall()
    return [json.loads(text)["event"] for (text,) in rows]


def made_up() -> tuple[str, str]:
    """Id and token of a key that nobody made."""
    ulid = secrets.choice("01234567") + "".join(secrets.choice("0123456789ABCDEFGHJKMNPQRSTVWXYZ") for _ in range(25))
    assert re.fullmatch(ULID, ulid)
    return f"ak_{ulid}", f"mk_{ulid}_{secrets.token_urlsafe(32)}"


@pytest.mark.parametrize("seen", [True, False], ids=["seen-lately", "never-seen"])
def test_an_append_with_a_revoked_key_leaves_a_trace(fresh: Installation, tenant: Tenant, seen: bool) -> None:
    key_id, token = tenant.new_key("append")
    with client_with(fresh.url, token) as client:
        if seen:
            assert client.post("/api/events", json={"event": event()}).status_code == 201
        revoke(tenant, key_id)
        assert refusals(fresh, [key_id]) == []
        assert_refused(client.post("/api/events", json={"event": event()}), 401, "unauthenticated")
    (told,) = refusals(fresh, [key_id])
    assert (told["actor"]["id"], told["outcome"]) == ("system:visitor", "denied")
    assert told["labels"] == ["method=POST", "reason=unknown-or-revoked-key"]
    assert token.split("_", 2)[2] not in json.dumps(told)


def test_made_up_keys_leave_a_trace_and_do_not_fill_the_log(fresh: Installation, tenant: Tenant) -> None:
    keys = [made_up() for _ in range(60)]
    for _, token in keys:
        with client_with(fresh.url, token) as client:
            assert_refused(client.post("/api/events", json={"event": event()}), 401, "unauthenticated")
    assert 0 < len(refusals(fresh, [key_id for key_id, _ in keys])) < 40
    with client_with(fresh.url, tenant.made.tokens["append"]) as client:
        assert client.post("/api/events", json={"event": event()}).status_code == 201
