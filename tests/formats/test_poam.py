"""Exceptions as an OSCAL plan of action and milestones, held against the published model; its links resolve."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from muniment.formats.poam import Basis, Deviation, Logged, Remedy, write_plan

SCHEMA = Path(__file__).parent / "schemas" / "oscal-1.2.1-poam.json"
AT = "2026-03-01T10:00:00.000000Z"
BASIS = Basis("muniment.log/01m8", 40, "ab" * 32, AT, "https://ledger.example/t/acme")
ASKED = Logged("submit", "under_review", "user:usr_1", "", AT, 7, "07" * 32)
APPROVED = Logged("approve", "approved", "user:usr_2", "fine\n<b>now</b>", AT, 9, "09" * 32, "dd" * 32)
ACTIVE = Logged("activate", "active", "system:server", "", AT, 10, "0a" * 32)
DEVIATION = Deviation(
    "exc_1", "MFA on\tthe old VPN", "pol_1", "the VPN of the plant", "its firmware cannot",
    "a stolen password opens it",
    "high", "only from the plant's network", "user:usr_1", AT, ("soc2:CC6.1", "hipaa:164.312(b)"), ("own:AI-7",),
    (ASKED, APPROVED, ACTIVE),
    (Remedy("tsk_1", "Replace it", "", "open", "2026-06-30", 20),
     Remedy("tsk_2", "Buy it", "now", "done", "2026-05-01", 21),
     Remedy("tsk_3", "Dropped", "", "dropped", "2026-05-01", 22)),
)  # fmt: skip


def plan(*deviations: Deviation) -> dict[str, Any]:
    made = write_plan(BASIS, deviations)
    assert made == write_plan(BASIS, deviations)
    document = json.loads(made)
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_bytes()))
    assert not [f"{one.instance_path}: {one.message}" for one in validator.iter_errors(document)]
    found: dict[str, Any] = document["plan-of-action-and-milestones"]
    return found


def every(value: Any, name: str) -> Iterator[Any]:
    """All members of a name, wherever they stand."""
    if isinstance(value, dict):
        yield from ([value[name]] if name in value else [])
        for one in value.values():
            yield from every(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from every(one, name)


def test_an_exception_is_a_deviation_that_was_approved_with_what_stands_in_for_it_and_what_is_done() -> None:
    found = plan(DEVIATION, replace(DEVIATION, id="exc_2", steps=(ASKED,), remedies=(), compensating=""))
    first, second = found["risks"]
    assert (first["status"], second["status"]) == ("deviation-approved", "deviation-requested")
    assert first["statement"] == "a stolen password opens it"
    factors = [one["description"] for one in first["mitigating-factors"]]
    assert factors == ["only from the plant's network", "The control own:AI-7 stands in."]
    assert [one["lifecycle"] for one in first["remediations"]] == ["planned", "completed"]
    assert "remediations" not in second
    assert [one["status-change"] for one in first["risk-log"]["entries"]] == [
        "deviation-requested", "deviation-approved", "deviation-approved",
    ]  # fmt: skip
    evidence = found["observations"][0]["relevant-evidence"]
    assert [one["href"] for one in evidence] == [
        f"https://ledger.example/t/acme/api/entries/{seq}/text" for seq in (7, 9, 10)
    ]
    assert {"name": "entry-hash", "ns": "urn:muniment:results", "value": "09" * 32} in evidence[1]["props"]


def test_every_link_within_a_plan_leads_to_something_and_no_two_things_share_an_id() -> None:
    found = plan(DEVIATION, replace(DEVIATION, id="exc_2"))
    ids = list(every(found, "uuid"))
    assert len(ids) == len(set(ids))
    for name, targets in (
        ("observation-uuid", {one["uuid"] for one in found["observations"]}),
        ("risk-uuid", {one["uuid"] for one in found["risks"]}),
        ("party-uuid", {one["uuid"] for one in found["metadata"]["parties"]}),
        ("actor-uuid", {one["uuid"] for one in found["metadata"]["parties"]}),
        ("subject-uuid", {one["uuid"] for one in found["local-definitions"]["components"]}),
    ):
        assert set(every(found, name)) <= targets
    known = set(every(found, "uuid"))
    assert {one["href"][1:] for risk in found["risks"] for one in risk["links"]} <= known


@pytest.mark.parametrize("state", ["expired", "revoked", "withdrawn", "rejected"])
def test_a_risk_whose_deviation_is_over_is_open_until_the_register_closes_it(state: str) -> None:
    over = replace(DEVIATION, steps=(*DEVIATION.steps, replace(ACTIVE, target=state)))
    assert plan(over)["risks"][0]["status"] == "open"
    assert plan(replace(over, closed=True))["risks"][0]["status"] == "closed"


def test_the_validator_refuses_what_is_not_in_the_model() -> None:
    document = json.loads(write_plan(BASIS, [DEVIATION]))
    document["plan-of-action-and-milestones"]["risks"][0]["verdict"] = "met"
    assert not jsonschema_rs.validator_for(json.loads(SCHEMA.read_bytes())).is_valid(document)
