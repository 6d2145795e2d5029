"""The sample tenant: made by real events through the real API, marked, and as provable as any other log."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from muniment.catalogs.actions import is_registered
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.registry import TenantLog, tenant_logs
from muniment.server.sample.day import DAY, company, tell_day
from tests.support.installations import Installation, installation

pytestmark = pytest.mark.long

PEOPLE = {person["key"]: f"user:usr_{number:026d}" for number, person in enumerate(company()["people"])}


@pytest.fixture(scope="module")
def sample() -> Iterator[tuple[Installation, str]]:
    """An installation with a sample, and what its start said."""
    with installation() as made:
        yield made, made.run("up", "--detach", "--sample")


def sample_log(of: Installation) -> TenantLog:
    with psycopg.connect(of.places.database_url("app"), autocommit=True) as connection:
        return next(log for log in tenant_logs(connection) if log.slug == "sample")


def rows(of: Installation, statement: str) -> list[tuple[object, ...]]:
    tenant_id = sample_log(of).log.tenant_id
    with (
        psycopg.connect(of.places.database_url("app"), autocommit=True) as connection,
        tenant_transaction(connection, tenant_id),
    ):
        return connection.execute(statement).fetchall()


def size_without_walks(of: Installation) -> int:
    """Entries, those aside that the background's walk adds when it comes by."""
    found = rows(of, "SELECT count(*) FROM ledger.entries WHERE action <> 'audit.walk'")
    return int(str(found[0][0]))


def test_the_sample_is_recorded_sealed_walked_and_announced(sample: tuple[Installation, str]) -> None:
    of, said = sample
    told = re.search(
        r"sample +http://localhost:\d+/t/sample/ \((\d+) events recorded; (\d+) entries, all sealed, checked by", said
    )
    assert told is not None, said
    assert 600 <= int(told[1]) < int(told[2]) <= 1500
    log = sample_log(of)
    assert (log.log.sealed, log.walk_ok) == (int(told[2]), True)
    added = rows(of, f"SELECT DISTINCT action FROM ledger.entries WHERE seq >= {int(told[2])}")
    assert added in ([], [("audit.walk",)])


def test_the_tenant_is_marked_as_a_sample_and_no_other_is(sample: tuple[Installation, str]) -> None:
    of, _ = sample
    assert rows(of, "SELECT sample FROM django.tenants_profile") == [(True,)]
    with psycopg.connect(of.places.database_url("app"), autocommit=True) as connection:
        for log in tenant_logs(connection):
            with tenant_transaction(connection, log.log.tenant_id):
                marked = connection.execute("SELECT sample FROM django.tenants_profile").fetchall()
            assert marked == [(log.slug == "sample",)]
    assert "(sample)" in sample_log(of).name


def test_its_people_cannot_sign_in_and_have_several_roles(sample: tuple[Installation, str]) -> None:
    of, _ = sample
    found = rows(of, "SELECT email, password FROM django.accounts_user ORDER BY email")
    assert [row[0] for row in found] == sorted(person["address"] for person in company()["people"])
    assert all(str(password).startswith("!") for _, password in found)
    assert all(str(address).endswith(".invalid") for address, _ in found)
    roles = rows(
        of,
        "SELECT DISTINCT r.code FROM django.members_membership m JOIN django.members_role r ON r.id = ANY (m.roles)",
    )
    assert {row[0] for row in roles} == {"administrator", "engineer", "auditor"}
    assert rows(of, "SELECT count(*) FROM django.members_membership WHERE until IS NOT NULL") == [(1,)]


def test_a_bundle_of_it_verifies_and_its_gaps_have_names(sample: tuple[Installation, str], tmp_path: Path) -> None:
    of, _ = sample
    key = of.run("keys", "create", "read", "--tenant", "sample", "--label", "test").split("\n")[0]
    of.environment |= {
        "MUNIMENT_URL": of.server().url,
        "MUNIMENT_READ_KEY": key,
        "MUNIMENT_STATE": str(tmp_path / "state"),
    }
    bundle = str(tmp_path / "sample.bundle")
    of.run("export", "-o", bundle)
    said = of.run("verify", bundle)
    assert re.search(
        r"✓ sources +no other gap in 7 numbered sources; [1-9]\d* gaps? of refused events?, each with", said
    )
    assert re.search(r"✓ bodies +[4-9]\d\d bodies match", said)


def test_causes_lead_across_agents_and_every_cause_is_there(sample: tuple[Installation, str]) -> None:
    of, _ = sample
    texts = rows(of, "SELECT source_id || '/' || event_id, actor_id, causes FROM ledger.entries")
    actors = {reference: actor for reference, actor, _ in texts}
    pairs = {(actors[cause], actor) for _, actor, causes in texts for cause in causes or []}  # type: ignore[attr-defined]
    assert ("agent:support-03", "agent:research-01") in pairs
    assert ("agent:support-03", "agent:billing-02") in pairs
    assert len({pair for pair in pairs if pair[0] != pair[1]}) > 8


def test_its_people_do_not_count_as_the_first_administrator(sample: tuple[Installation, str]) -> None:
    of, said = sample
    link = re.search(r"make the first administrator:\n +http://localhost:\d+/setup\?token=([A-Za-z0-9_-]{43})\n", said)
    assert link is not None, said
    assert link[1] in of.run("up", "--sample")


def test_a_second_time_nothing_is_added(sample: tuple[Installation, str]) -> None:
    of, _ = sample
    before = size_without_walks(of)
    assert "there already" in of.run("up", "--sample", "--detach")
    assert size_without_walks(of) == before


def test_a_tenant_that_only_has_the_name_is_left_alone() -> None:
    with installation() as of:
        of.up()
        of.run("tenants", "create", "sample", "--name", "A real customer")
        size = size_without_walks(of)
        assert "the tenant sample is not a sample" in of.run("up", "--sample", code=1)
        assert size_without_walks(of) == size
        assert httpx.get(f"{of.server().url}/healthz", trust_env=False).status_code == 200


def test_the_day_is_told_the_same_each_time_and_ends_in_it() -> None:
    first, second = tell_day(PEOPLE), tell_day(PEOPLE)
    assert [(one.at, one.action, one.payload) for one in first] == [(one.at, one.action, one.payload) for one in second]
    assert first[0].at > 0
    assert first[-1].at < DAY
    assert [one.at for one in first] == sorted(one.at for one in first)


def test_what_happens_has_its_causes_behind_it() -> None:
    for one in tell_day(PEOPLE):
        assert len(one.causes) <= 16
        assert all(cause.at < one.at for cause in one.causes)


def test_the_day_shows_every_kind_of_event_of_agents_and_hosts() -> None:
    told = tell_day(PEOPLE)
    actions = {one.action for one in told}
    assert {
        "agent.delegate", "agent.finish", "agent.start", "config.change", "file.access", "mesh.connect", "model.invoke",
        "model.result", "nixos.switch", "process.crash", "process.exit", "process.start", "secret.access",
        "session.close", "session.open", "tool.call", "tool.refuse", "tool.result", "watchdog.restart",
        "workspace.boot",
    } <= actions  # fmt: skip
    assert {one.outcome for one in told} == {"success", "failure", "denied", "unknown"}
    assert [action for action in actions if not is_registered(action)] == ["invoice.skip"]
