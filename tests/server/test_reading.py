"""Reading over HTTP: entries by question, single entries, proofs, bundles."""

import io
import threading
import time
from contextlib import ExitStack
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muniment.core.bundle import CheckpointLine, EntryLine, read_bundle
from muniment.core.checkpoint import parse_signed_checkpoint
from muniment.core.merkle import leaf_hash
from muniment.core.tlogproof import parse_tlogproof
from tests.server.events import complete, event, ulid
from tests.support.servers import Tenant


def recorded(tenant: Tenant, *submissions: object) -> list[dict[str, object]]:
    with tenant.client() as client:
        answer = client.post("/api/events", json={"events": list(submissions)})
    assert answer.status_code == 201, answer.text
    return list(answer.json()["results"])


def found(tenant: Tenant, **question: str) -> list[str]:
    with tenant.client("read") as client:
        answer = client.get("/api/entries", params=question)
    assert answer.status_code == 200, answer.text
    return [entry["entry"]["event"]["id"] for entry in answer.json()["entries"]]


QUESTIONS = {
    "action": ({"action": "config.change"}, {"action": "config.change"}),
    "action prefix": ({"action": "x.deploy.start"}, {"action": "x.deploy.*"}),
    "actor": ({"actor": {"id": "user:zoë", "type": "user"}}, {"actor": "user:zoë"}),
    "tool": ({"tool": "rm & co"}, {"tool": "rm & co"}),
    "workspace": ({"workspace": "wks-prod-01"}, {"workspace": "wks-prod-01"}),
    "resource": ({"resource": {"id": "a/b", "type": "file"}}, {"resource": "a/b", "resource_type": "file"}),
    "outcome": ({"outcome": "denied"}, {"outcome": "denied"}),
    "control": ({"controls": ["soc2:A1.2"]}, {"control": "soc2:A1.2"}),
    "label": ({"labels": ["env=prod"]}, {"label": "env=prod"}),
    "trace": ({"trace": {"id": "ab" * 16}}, {"trace": "ab" * 16}),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_entries_are_found_by(tenant: Tenant, name: str) -> None:
    changes, question = QUESTIONS[name]
    _, wanted, _ = recorded(tenant, {"event": event()}, {"event": event(**changes)}, {"event": event()})
    assert found(tenant, **question) == [wanted["id"]]


def test_entries_are_found_by_time(tenant: Tenant) -> None:
    first = recorded(tenant, {"event": event()})[0]
    second = recorded(tenant, {"event": event()})[0]
    since = found(tenant, **{"from": str(second["recorded_at"])})
    assert second["id"] in since
    assert first["id"] not in since
    assert second["id"] not in found(tenant, to=str(second["recorded_at"]))
    assert first["id"] in found(tenant, to=str(second["recorded_at"]))


@pytest.mark.parametrize("order", ["newest", "oldest"])
def test_pages_give_every_entry_once_and_in_order(tenant: Tenant, order: str) -> None:
    recorded(tenant, *({"event": event(tool="t")} for _ in range(25)))
    seqs: list[int] = []
    cursor = None
    with tenant.client("read") as client:
        while True:
            question = {"tool": "t", "limit": "10", "order": order} | ({"cursor": cursor} if cursor else {})
            page = client.get("/api/entries", params=question).json()
            seqs += [entry["seq"] for entry in page["entries"]]
            cursor = page["cursor"]
            if cursor is None:
                break
            recorded(tenant, {"event": event(tool="other")})
    assert len(seqs) == 25
    assert seqs == sorted(set(seqs), reverse=order == "newest")


def test_the_texts_of_a_page_come_bare_when_asked_for(tenant: Tenant) -> None:
    receipts = recorded(tenant, {"event": event(tool="t")}, {"event": event(tool="t")})
    with tenant.client("read") as client:
        headers = {"Accept": "application/x-ndjson"}
        answer = client.get("/api/entries", params={"tool": "t", "order": "oldest"}, headers=headers)
    lines = answer.content.splitlines()
    assert [leaf_hash(line).hex() for line in lines] == [receipt["entry_hash"] for receipt in receipts]


BAD_QUESTIONS = {
    "an unknown parameter": ("?acton=tool.call", "acton"),
    "a parameter twice": ("?tool=a&tool=b", "tool"),
    "a time without zone": ("?from=2026-01-01T00:00:00", "from"),
    "no time": ("?to=yesterday", "to"),
    "a limit of nothing": ("?limit=0", "limit"),
    "too large a limit": ("?limit=1001", "limit"),
    "a limit that is no number": ("?limit=ten", "limit"),
    "an outcome that is none": ("?outcome=good", "outcome"),
    "a trace that is no hex": ("?trace=xyz", "trace"),
    "a NUL": ("?tool=%00", "tool"),
    "a cursor of nobody": ("?cursor=AAAA", "cursor"),
    "a star in the middle": ("?action=t*l.call", "action"),
}


@pytest.mark.parametrize("name", BAD_QUESTIONS)
def test_a_question_that_cannot_be_read_is_refused_by_parameter(tenant: Tenant, name: str) -> None:
    question, field = BAD_QUESTIONS[name]
    with tenant.client("read") as client:
        answer = client.get(f"/api/entries{question}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:muniment:problem:malformed-query"
    assert answer.json()["field"] == field


def test_a_cursor_of_another_question_is_refused(tenant: Tenant) -> None:
    recorded(tenant, *({"event": event()} for _ in range(3)))
    with tenant.client("read") as client:
        cursor = client.get("/api/entries", params={"limit": 1}).json()["cursor"]
        answer = client.get("/api/entries", params={"limit": 1, "tool": "t", "cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["field"] == "cursor"


def test_an_entry_is_the_same_by_place_and_by_event(tenant: Tenant) -> None:
    submission = complete(f"src_{ulid()}")
    receipt = recorded(tenant, submission)[0]
    with tenant.client("read") as client:
        by_place = client.get(f"/api/entries/{receipt['seq']}")
        by_event = client.get(f"/api/entries/{submission['event']['source']['id']}/{receipt['id']}")
    assert by_place.content == by_event.content
    assert by_place.json()["entry"]["event"] == submission["event"]


@pytest.mark.parametrize("place", ["9007199254740992", "99999999999999999999999", "-1", "1_0", "x"])
def test_a_place_that_cannot_be_is_not_found(tenant: Tenant, place: str) -> None:
    with tenant.client("read") as client:
        for path in (f"/api/entries/{place}", f"/api/entries/{place}/proof", f"/api/entries/{place}/body"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["type"]) == (404, "urn:muniment:problem:not-found")


def test_a_proof_leads_from_the_entry_to_the_checkpoint(tenant: Tenant) -> None:
    receipts = recorded(tenant, *({"event": event()} for _ in range(5)))
    tenant.installation.seal()
    with tenant.client("read") as client:
        for receipt in receipts:
            answer = client.get(f"/api/entries/{receipt['seq']}/proof")
            assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
            proof = parse_tlogproof(answer.content)
            assert proof.index == receipt["seq"]
            assert proof.checkpoint.origin == tenant.origin
            proof.verify(bytes.fromhex(str(receipt["entry_hash"])))


def test_a_proof_of_an_entry_that_is_not_sealed_yet_says_so(tenant: Tenant) -> None:
    tenant.installation.seal()
    receipt = recorded(tenant, {"event": event()})[0]
    with tenant.client("read") as client:
        answer = client.get(f"/api/entries/{receipt['seq']}/proof")
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:muniment:problem:not-sealed"
    assert answer.headers["Retry-After"]


def test_whoever_waits_for_the_seal_gets_the_proof_once_it_is_there(tenant: Tenant) -> None:
    receipt = recorded(tenant, {"event": event()})[0]
    sealer = threading.Timer(0.5, tenant.installation.seal)
    sealer.start()
    with tenant.client("read") as client:
        answer = client.get(f"/api/entries/{receipt['seq']}/proof", params={"wait": "seal"})
    sealer.join()
    assert answer.status_code == 200, answer.text
    parse_tlogproof(answer.content).verify(bytes.fromhex(str(receipt["entry_hash"])))


def test_a_bundle_shows_the_entries_that_were_named_and_compares_with_an_older_checkpoint(tenant: Tenant) -> None:
    first = recorded(tenant, *({"event": event(), "payload": at} for at in range(5)))
    tenant.installation.seal()
    with tenant.client("read") as client:
        held = client.get("/api/log").json()["checkpoint"]
        recorded(tenant, *({"event": event()} for _ in range(7)))
        tenant.installation.seal()
        seqs = [first[1]["seq"], first[3]["seq"]]
        answer = client.post("/api/bundles", json={"seqs": seqs, "since": held["size"]})
    lines = list(read_bundle(io.BytesIO(answer.content)))
    texts = [line.text for line in lines if isinstance(line, EntryLine)]
    assert [orjson.loads(text)["seq"] for text in texts] == seqs
    newest = [line for line in lines if isinstance(line, CheckpointLine)][-1]
    assert newest.checkpoint.size > held["size"]
    assert answer.headers["Content-Type"] == "application/vnd.muniment.bundle"


@pytest.mark.parametrize("order", [{}, {"from": 0}, {"from": 2, "to": 9}, {"seqs": []}, {"bodies": False}])
def test_bundles_of_ranges_and_of_everything_can_be_read(tenant: Tenant, order: dict[str, object]) -> None:
    recorded(tenant, *({"event": event(), "payload": at} for at in range(700)))
    tenant.installation.seal()
    with tenant.client("read") as client:
        answer = client.post("/api/bundles", json=order)
    assert answer.status_code == 200, answer.text
    shown = sum(isinstance(line, EntryLine) for line in read_bundle(io.BytesIO(answer.content)))
    size = parse_signed_checkpoint(_last_note(answer.content))[1].size
    assert shown == {"seqs": 0, "to": 8}.get(next(reversed(order), ""), size)


def _last_note(bundle: bytes) -> bytes:
    return [line for line in read_bundle(io.BytesIO(bundle)) if isinstance(line, CheckpointLine)][-1].data


BAD_ORDERS = {
    "two ways": {"seqs": [1], "from": 0},
    "an unknown member": {"seq": [1]},
    "a negative place": {"seqs": [-1]},
    "a text as place": {"seqs": ["1"]},
    "a range that ends before it begins": {"from": 3, "to": 2},
    "too many": {"seqs": list(range(20_001))},
    "a list": [1],
}


@pytest.mark.parametrize("name", BAD_ORDERS)
def test_an_order_for_a_bundle_that_cannot_be_read_is_refused(tenant: Tenant, name: str) -> None:
    tenant.installation.seal()
    with tenant.client("read") as client:
        answer = client.post("/api/bundles", json=BAD_ORDERS[name])
    assert answer.status_code == 422, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "content", [b"{", b'{"from":0,"from":1}', b"\xff", b"[" * 50_000, b'{"seqs":[' + b"[" * 70 + b"]" * 70 + b"]}"]
)
def test_an_order_that_is_not_plain_json_is_refused(tenant: Tenant, content: bytes) -> None:
    with tenant.client("read") as client:
        answer = client.post("/api/bundles", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"].startswith("urn:muniment:problem:malformed")


def test_a_bundle_beyond_the_newest_checkpoint_is_refused_before_anything_is_sent(tenant: Tenant) -> None:
    tenant.installation.seal()
    with tenant.client("read") as client:
        for order in ({"seqs": [100_000]}, {"since": 100_000}, {"size": 100_000}):
            answer = client.post("/api/bundles", json=order)
            assert (answer.status_code, answer.json()["type"]) == (409, "urn:muniment:problem:not-sealed")


def test_downloads_that_are_given_up_leave_room_for_others(tenant: Tenant) -> None:
    with tenant.client() as client:
        for _ in range(4):
            many = [{"event": event(), "payload": "x" * 3000}] * 500
            assert client.post("/api/events", json={"events": many}).status_code == 201
    tenant.installation.seal()
    with tenant.client("read") as client:
        for _ in range(12):
            with client.stream("POST", "/api/bundles", json={}) as answer:
                assert answer.status_code == 200
                assert next(answer.iter_raw())
        deadline = time.monotonic() + 20
        while (whole := client.post("/api/bundles", json={})).status_code == 503:
            assert time.monotonic() < deadline
    assert whole.status_code == 200
    assert sum(isinstance(line, EntryLine) for line in read_bundle(io.BytesIO(whole.content))) > 2000


def test_downloads_beyond_the_room_there_is_are_told_to_come_back(tenant: Tenant) -> None:
    with tenant.client() as client:
        for _ in range(8):
            many = [{"event": event(), "payload": "x" * 3500}] * 500
            assert client.post("/api/events", json={"events": many}).status_code == 201
    tenant.installation.seal()
    with ExitStack() as stack:
        client = stack.enter_context(tenant.client("read"))
        answers = [stack.enter_context(client.stream("POST", "/api/bundles", json={})) for _ in range(5)]
        assert [answer.status_code for answer in answers].count(200) == 3
        refused = next(answer for answer in answers if answer.status_code == 503)
        assert refused.headers["Retry-After"]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_address_whatever_ends_in_a_server_error(installation_tenant: Tenant, data: st.DataObject) -> None:
    origin = installation_tenant.origin
    start = data.draw(
        st.sampled_from(
            [
                "/api/entries",
                "/api/entries/",
                "/api/entries/0/",
                f"/logs/{origin}/tile/",
                "/logs/",
                "/api/audit/verify/",
            ]
        )
    )
    names = st.sampled_from(["from", "to", "action", "trace", "limit", "cursor", "order", "size", "wait", "label", "x"])
    question = data.draw(st.lists(st.tuples(names, st.text(max_size=12)), max_size=3))
    rest = quote(data.draw(st.text(max_size=12) | st.text("0123456789./px-", max_size=20)), safe="/")
    with installation_tenant.client("read") as client:
        answer = client.get(f"{start}{rest}", params=question)
    assert answer.status_code < 500, answer.text
