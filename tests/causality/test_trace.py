"""GET /api/trace: the graph across agents and sources, bounded, honest about what is missing, cut or contradictory."""

import json
import secrets
from typing import Any

import httpx
import pytest

from muniment.server.causality.search import MAX_RELATIVES
from tests.causality.conftest import agent, delegation, told
from tests.explorer.conftest import Reader, reading
from tests.server.events import complete, ulid
from tests.support.servers import Installation, Tenant


def seqs(found: dict[str, Any]) -> list[int]:
    return [node["seq"] for node in found["nodes"]]


def pairs(found: dict[str, Any]) -> set[tuple[str, str]]:
    return {(edge["cause"], edge["effect"]) for edge in found["edges"]}


def kinds(found: dict[str, Any]) -> list[str]:
    return [finding["kind"] for finding in found["findings"]]


def test_a_trace_shows_the_delegation_the_failure_the_refusal_and_what_was_triggered_outside_of_it(
    reader: Reader, asking: httpx.Client, installation: Installation
) -> None:
    trace = secrets.token_hex(16)
    reader.record_many(3)
    made = delegation(reader, trace)
    installation.seal()
    unsealed, _ = reader.record(tool="late", causes=[made["failed"][1]], trace={"id": trace})
    found = asking.get(f"/api/trace/{trace}").json()
    assert seqs(found) == [made[name][0] for name in made] + [unsealed]
    assert pairs(found) >= {
        (made["asked"][1], made["began"][1]), (made["began"][1], made["called"][1]),
        (made["called"][1], made["failed"][1]), (made["began"][1], made["refused"][1]),
        (made["called"][1], made["triggered"][1]),
    }  # fmt: skip
    nodes = {node["seq"]: node for node in found["nodes"]}
    assert nodes[made["failed"][0]]["outcome"] == "failure"
    assert nodes[made["refused"][0]]["outcome"] == "denied"
    assert nodes[made["triggered"][0]]["relation"] == "effect"
    assert nodes[made["asked"][0]]["sealed"] is True
    assert nodes[unsealed]["sealed"] is False
    assert {node["actor"] for node in found["nodes"]} == {"agent:a", "agent:b", "agent:c"}
    assert (found["missing"], found["findings"], found["cut"], found["cursor"]) == ([], [], [], None)


@pytest.mark.parametrize("name", ["reference", "event", "seq", "hash-sign"])
def test_the_same_graph_is_found_from_any_event_of_it(reader: Reader, asking: httpx.Client, name: str) -> None:
    made = delegation(reader, secrets.token_hex(16))
    seq, reference = made["refused"]
    address = {
        "reference": reference, "event": reference.partition("/")[2], "seq": str(seq), "hash-sign": f"%23{seq}",
    }[name]  # fmt: skip
    found = asking.get(f"/api/trace/{address}").json()
    assert sorted(seqs(found)) == sorted(seq for seq, _ in made.values())
    assert {node["seq"] for node in found["nodes"] if node["relation"] == "asked"} == {seq}


def test_other_effects_of_what_led_to_an_event_are_left_to_their_own_story(
    reader: Reader, asking: httpx.Client
) -> None:
    started, start = reader.record(action="agent.start")
    reader.record_many(20, causes=[start])
    mine, first = reader.record(causes=[start])
    then, _ = reader.record(causes=[first])
    assert seqs(asking.get(f"/api/trace/{mine}").json()) == [started, mine, then]


def test_an_effect_recorded_before_its_cause_is_found_ordered_and_noted(reader: Reader, asking: httpx.Client) -> None:
    later = f"evt_{ulid()}"
    effect, _ = reader.record(causes=[f"{reader.source}/{later}"])
    cause, _ = reader.record(id=later)
    found = asking.get(f"/api/trace/{cause}").json()
    assert seqs(found) == [cause, effect]
    assert kinds(found) == ["recorded-earlier"]
    assert found["findings"][0]["contradiction"] is False


def test_a_circle_of_causes_ends_and_is_a_contradiction(reader: Reader, asking: httpx.Client) -> None:
    later = f"evt_{ulid()}"
    first, reference = reader.record(causes=[f"{reader.source}/{later}"])
    second, _ = reader.record(id=later, causes=[reference])
    found = asking.get(f"/api/trace/{first}").json()
    assert seqs(found) == [first, second]
    assert "cycle" in kinds(found)
    assert found["findings"][0]["contradiction"] is True


def test_an_event_that_names_itself_as_its_cause_is_a_contradiction(reader: Reader, asking: httpx.Client) -> None:
    own = f"evt_{ulid()}"
    seq, _ = reader.record(id=own, causes=[f"{reader.source}/{own}"])
    found = asking.get(f"/api/trace/{seq}").json()
    assert seqs(found) == [seq]
    assert kinds(found) == ["self-cause"]


def test_clocks_are_held_against_the_causes_with_the_allowance_that_was_asked_for(
    reader: Reader, asking: httpx.Client
) -> None:
    _, cause = told(reader, occurred_at="2026-03-01T14:23:14.000000000Z")
    seq, _ = reader.record(causes=[cause])
    assert kinds(asking.get(f"/api/trace/{seq}").json()) == ["clock"]
    assert kinds(asking.get(f"/api/trace/{seq}?skew=6.5").json()) == []
    assert asking.get(f"/api/trace/{seq}?skew=3601").status_code == 400


def test_ten_thousand_effects_of_one_event_are_cut_and_it_is_said(reader: Reader, asking: httpx.Client) -> None:
    seq, start = reader.record()
    for _ in range(5):
        reader.record_many(2_000, causes=[start])
    found = asking.get(f"/api/trace/{seq}").json()
    assert len(found["nodes"]) == 1 + MAX_RELATIVES
    assert found["cut"] == ["relatives"]
    assert found["missing"] == []


def test_a_long_chain_is_cut_after_so_many_steps_and_it_is_said(reader: Reader, asking: httpx.Client) -> None:
    first, reference = reader.record()
    for _ in range(15):
        _, reference = reader.record(causes=[reference])
    found = asking.get(f"/api/trace/{first}").json()
    assert len(found["nodes"]) == 13
    assert found["cut"] == ["steps"]


def test_a_large_trace_comes_in_pages_that_lose_no_entry_and_no_edge(reader: Reader, asking: httpx.Client) -> None:
    trace = secrets.token_hex(16)
    _, reference = reader.record(trace={"id": trace})
    edges = set()
    for _ in range(24):
        _, following = reader.record(trace={"id": trace}, causes=[reference])
        edges.add((reference, following))
        reference = following
    places: list[int] = []
    drawn: set[tuple[str, str]] = set()
    cursor: str | None = ""
    while cursor is not None:
        found = asking.get(f"/api/trace/{trace}", params={"limit": 7, **({"cursor": cursor} if cursor else {})}).json()
        places += [node["seq"] for node in found["nodes"] if node["relation"] == "trace"]
        drawn |= pairs(found)
        assert (found["cut"] == ["trace"]) == (found["cursor"] is not None)
        assert found["findings"] == []
        cursor = found["cursor"]
    assert len(places) == len(set(places)) == 25
    assert drawn == edges
    around = asking.get(f"/api/trace/{places[12]}?limit=3").json()
    assert around["cut"] == ["trace"]
    assert around["cursor"] is None
    assert len(around["nodes"]) == 25


def test_a_cause_of_another_tenant_is_missing_as_one_that_never_was(
    reader: Reader, asking: httpx.Client, installation: Installation
) -> None:
    with reading(installation, installation.tenant()) as stranger:
        trace = secrets.token_hex(16)
        theirs, secret = stranger.record(tool="only-theirs", trace={"id": trace})
        seq, own = reader.record(causes=[secret], trace={"id": trace})
        gone = f"{reader.source}/evt_{ulid()}"
        other, _ = reader.record(causes=[gone], trace={"id": trace})
        found = asking.get(f"/api/trace/{trace}").json()
        assert seqs(found) == [seq, other]
        assert found["missing"] == sorted([secret, gone])
        said = {finding["about"][0]: finding["says"] for finding in found["findings"]}
        shape = said[gone].replace(gone, secret).replace(str(other), str(seq))
        assert said[secret] == shape
        assert asking.get(f"/api/trace/{secret}").status_code == 404
        with stranger.tenant.client("read") as client:
            assert seqs(client.get(f"/api/trace/{trace}").json()) == [theirs]
            assert client.get(f"/api/trace/{own}").status_code == 404


def test_a_forged_trace_id_adds_to_the_trace_and_says_who_wrote_it(reader: Reader, asking: httpx.Client) -> None:
    trace = secrets.token_hex(16)
    made = delegation(reader, trace)
    forged, _ = told(reader, actor=agent("forger"), trace={"id": trace}, source={"id": f"src_{ulid()}"})
    found = asking.get(f"/api/trace/{trace}").json()
    node = next(node for node in found["nodes"] if node["seq"] == forged)
    assert node["source"] != reader.source
    assert not [edge for edge in found["edges"] if node["event"] in (edge["cause"], edge["effect"])]
    assert len(found["nodes"]) == len(made) + 1


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("ab" * 16, 404), ("AB" * 16, 400), ("ab" * 15, 400), ("9999999", 404), ("99999999999999999", 400), ("-1", 400),
        ("x", 400), ("src_1/evt_1", 400), ("evt_01ARZ3NDEKTSV4RRFFQ69G5FAV", 404), ("%00", 404), ("..%2F", 400),
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused_and_what_is_not_there_is_not_found(
    reader: Reader, asking: httpx.Client, name: str, status: int
) -> None:
    assert asking.get(f"/api/trace/{name}").status_code == status


def test_parameters_that_do_not_belong_are_refused(reader: Reader, asking: httpx.Client) -> None:
    trace = secrets.token_hex(16)
    for _ in range(3):
        seq, _ = reader.record(trace={"id": trace})
    cursor = asking.get(f"/api/trace/{trace}?limit=1").json()["cursor"]
    for query in ("limit=0", "limit=1001", "cursor=x", "depth=3", "limit=1&limit=2", "skew=-1"):
        assert asking.get(f"/api/trace/{trace}?{query}").status_code == 400, query
    assert asking.get(f"/api/trace/{seq}", params={"cursor": cursor}).status_code == 400


def test_an_append_key_sees_no_trace_and_an_auditors_look_is_recorded(
    installation: Installation, tenant: Tenant
) -> None:
    with reading(installation, tenant, "auditor") as auditor:
        seq, _ = auditor.record()
        with tenant.client("append") as client:
            assert client.get(f"/api/trace/{seq}").status_code == 403
        before = auditor.size()
        assert auditor.get(f"/api/trace/{seq}").status_code == 200
        assert auditor.size() == before + 1


def test_payloads_stand_in_no_trace(reader: Reader, asking: httpx.Client) -> None:
    seq, _ = reader.record(b'{"password":"hunter2"}')
    assert "hunter2" not in asking.get(f"/api/trace/{seq}").text


def test_a_trace_of_five_thousand_events_comes_whole_in_pages_and_its_circle_is_found(
    reader: Reader, asking: httpx.Client
) -> None:
    trace, ids = secrets.token_hex(16), [f"evt_{ulid()}" for _ in range(5_000)]
    lines = []
    for number, own in enumerate(ids):
        submission = complete(reader.source, b"{}", trace={"id": trace})
        # A chain, a fan of a hundred from each hundredth, and two that name one another.
        cause = 1 if number == 0 else number - number % 100 if number % 2 and number % 100 else number - 1
        submission["event"] |= {"id": own, "causes": [f"{reader.source}/{ids[cause]}"]}
        lines.append(json.dumps(submission))
    with reader.tenant.client() as client:
        for start in range(0, len(lines), 1_000):
            answer = client.post(
                "/api/events", content="\n".join(lines[start : start + 1_000]).encode(),
                headers={"Content-Type": "application/x-ndjson"},
            )  # fmt: skip
            assert answer.status_code == 201, answer.text
    places: set[int] = set()
    drawn: set[tuple[str, str]] = set()
    told_kinds: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        answer = asking.get(f"/api/trace/{trace}", params={"limit": 1_000, **({"cursor": cursor} if cursor else {})})
        found = answer.json()
        places |= {node["seq"] for node in found["nodes"] if node["relation"] == "trace"}
        drawn |= pairs(found)
        told_kinds |= set(kinds(found))
        cursor = found["cursor"]
    assert len(places) == 5_000
    assert len(drawn) == 5_000
    assert "cycle" in told_kinds
