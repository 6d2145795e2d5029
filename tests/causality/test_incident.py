"""The timeline of an incident: chosen by time, in causal order, and derived again from its bundle alone."""

import io
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from muniment.core.bundle import read_bundle
from muniment.core.bundleline import EntryLine, Header
from muniment.core.times import format_time9
from muniment.server.causality.happening import read_happening
from muniment.server.causality.timeline import timeline_markdown, timeline_of
from muniment.verifier.bundle import verify_bundle
from tests.causality.conftest import agent, delegation, told
from tests.explorer.conftest import Reader, reading
from tests.server.events import ulid
from tests.support.servers import Installation, Tenant

# No source ever said that it did something then, but the tests.
QUIET = datetime(2011, 5, 5, 5, 5, 5, tzinfo=UTC)


def at(moment: datetime) -> str:
    return format_time9(int(moment.timestamp()) * 10**9)


def now() -> str:
    return datetime.now(UTC).isoformat()


def ask(client: httpx.Client, around: str, **more: object) -> dict[str, Any]:
    answer = client.get("/api/incident", params={"around": around, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def take(client: httpx.Client, around: str, **more: object) -> bytes:
    answer = client.post("/api/incident/bundle", json={"around": around, **more})
    assert answer.status_code == 200, answer.text
    return answer.content


def derived(bundle: bytes) -> dict[str, Any]:
    """The timeline from nothing but the bundle."""
    lines = list(read_bundle(io.BytesIO(bundle)))
    origin = next(line.origin for line in lines if isinstance(line, Header))
    return timeline_of(origin, [read_happening(line.text) for line in lines if isinstance(line, EntryLine)])


def test_the_order_that_the_server_claims_follows_from_the_bundle_alone_and_the_bundle_verifies(
    reader: Reader, asking: httpx.Client, installation: Installation
) -> None:
    later = f"evt_{ulid()}"
    effect, _ = reader.record(causes=[f"{reader.source}/{later}"])
    made = delegation(reader, secrets.token_hex(16))
    cause, _ = reader.record(id=later)
    installation.seal()
    moment = now()
    claimed = ask(asking, moment, within=3600)
    bundle = take(asking, moment, within=3600, size=claimed["size"])
    assert verify_bundle(io.BytesIO(bundle)).verdict == "verified"
    assert derived(bundle) == claimed["timeline"]
    order = [entry["seq"] for entry in claimed["timeline"]["entries"]]
    assert order.index(cause) < order.index(effect)
    assert order.index(made["asked"][0]) < order.index(made["refused"][0])
    rows = [line for line in bundle.splitlines() if line.startswith(b"E ")]
    for entry in claimed["timeline"]["entries"]:
        assert read_happening(rows[entry["e_line"] - 1][2:]).seq == entry["seq"]


def test_an_entry_that_came_late_belongs_to_the_moment_at_which_it_says_it_occurred(
    reader: Reader, asking: httpx.Client, installation: Installation
) -> None:
    hour_ago = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    late, _ = told(reader, occurred_at=at(hour_ago))
    installation.seal()
    assert late in [one["seq"] for one in ask(asking, at(hour_ago), within=60, late=7200)["timeline"]["entries"]]
    assert late not in [one["seq"] for one in ask(asking, at(hour_ago), within=60, late=60)["timeline"]["entries"]]


def test_the_moment_may_be_that_of_an_event(reader: Reader, asking: httpx.Client, installation: Installation) -> None:
    moment = datetime.now(UTC).replace(microsecond=0)
    seq, reference = told(reader, occurred_at=at(moment))
    installation.seal()
    for around in (str(seq), reference):
        found = ask(asking, around, within=60)
        assert found["from"] == at(moment - timedelta(seconds=60))
        assert seq in [one["seq"] for one in found["timeline"]["entries"]]


def test_what_is_not_sealed_yet_is_counted_and_not_shown(
    reader: Reader, asking: httpx.Client, installation: Installation
) -> None:
    reader.record()
    installation.seal()
    unsealed, _ = reader.record()
    found = ask(asking, now(), within=600)
    assert found["unsealed"] >= 1
    assert unsealed not in [one["seq"] for one in found["timeline"]["entries"]]
    assert asking.get("/api/incident", params={"around": now(), "size": 10**9}).status_code == 409


def test_causes_that_are_not_in_the_bundle_are_named_without_saying_where_they_are(
    reader: Reader, asking: httpx.Client, installation: Installation
) -> None:
    gone = f"src_{ulid()}/evt_{ulid()}"
    reader.record(causes=[gone])
    installation.seal()
    assert gone in ask(asking, now(), within=600)["timeline"]["outside"]


def test_for_people_it_is_markdown_in_which_no_source_can_write_markup(
    reader: Reader, asking: httpx.Client, installation: Installation
) -> None:
    seq, _ = reader.record(tool="a|b](https://x)<script>`\u202e", outcome="denied")
    installation.seal()
    answer = asking.get("/api/incident", params={"around": now()}, headers={"Accept": "text/markdown"})
    assert answer.headers["content-type"].startswith("text/markdown")
    row = next(line for line in answer.text.splitlines() if line.split(" | ")[6:7] == [str(seq)])
    assert "**denied**" in row
    assert "<script" not in answer.text
    assert "a\\|b\\]\\(https://x\\)" in row
    assert "\u202e" not in answer.text


def test_a_bundle_taken_away_is_recorded_and_one_of_nothing_is_refused(
    reader: Reader, asking: httpx.Client, installation: Installation
) -> None:
    reader.record()
    installation.seal()
    take(asking, now(), within=5, late=0)
    newest = asking.get("/api/entries?action=export.create&limit=1").json()["entries"][0]
    assert "form=muniment-bundle/1" in newest["entry"]["event"]["labels"]
    answer = asking.post("/api/incident/bundle", json={"around": at(QUIET), "within": 1, "late": 0})
    assert answer.status_code == 422
    assert ask(asking, at(QUIET), within=1, late=0)["timeline"]["entries"] == []


@pytest.mark.parametrize(
    "question",
    [
        {}, {"around": "yesterday"}, {"around": "2026-03-01T14:23:07"}, {"around": "0001-01-01T00:00:00Z"},
        {"around": "9999-12-31T23:59:59Z"}, {"around": "ab" * 16}, {"around": "1969-12-31T23:59:59Z"},
        {"around": "2026-03-01T00:00:00Z", "within": 0}, {"around": "2026-03-01T00:00:00Z", "within": 86_401},
        {"around": "2026-03-01T00:00:00Z", "late": -1}, {"around": "2026-03-01T00:00:00Z", "bogus": 1},
        {"around": "x" * 200}, {"around": "\0"},
    ],
)  # fmt: skip
def test_questions_that_cannot_be_read_are_refused(
    reader: Reader, asking: httpx.Client, question: dict[str, object]
) -> None:
    assert asking.get("/api/incident", params=question).status_code == 400
    assert asking.post("/api/incident/bundle", json=question).status_code == 422


def test_nothing_of_another_tenant_stands_in_a_timeline(
    reader: Reader, asking: httpx.Client, installation: Installation
) -> None:
    with reading(installation, installation.tenant()) as stranger:
        _, theirs = stranger.record(tool="only-theirs")
        reader.record()
        installation.seal()
        assert "only-theirs" not in asking.get("/api/incident", params={"around": now()}).text
        assert b"only-theirs" not in take(asking, now())
        assert asking.get("/api/incident", params={"around": theirs}).status_code == 400


def test_who_may_not_take_entries_out_gets_no_bundle(tenant: Tenant) -> None:
    with tenant.client("append") as client:
        assert client.post("/api/incident/bundle", json={"around": now()}).status_code == 403
        assert client.get("/api/incident", params={"around": now()}).status_code == 403


def test_a_timeline_for_people_names_contradictions() -> None:
    source, event = f"src_{ulid()}", f"evt_{ulid()}"
    text = (
        f'{{"event":{{"action":"tool.call","actor":{{"id":"{agent("a")["id"]}","type":"agent"}},'
        f'"causes":["{source}/{event}"],"id":"{event}","occurred_at":"2026-03-01T14:23:07.847291000Z",'
        f'"outcome":"success","source":{{"id":"{source}"}}}},"recorded_at":"2026-03-01T14:23:07.912004Z","seq":3}}'
    )
    timeline = timeline_of("muniment.log/x", [read_happening(text.encode())])
    assert "## Contradictions" in timeline_markdown(timeline)
