"""Appending over HTTP."""

import base64
import hashlib
import json

from muniment.core.identifiers import new_ulid
from tests.server.conftest import Tenant

EVENT = {"action": "tool.call", "actor": {"id": "agent:a", "type": "agent"}, "outcome": "success"}


def test_one_event_is_recorded_and_its_receipt_says_where(tenant: Tenant) -> None:
    with tenant.client() as client:
        answer = client.post("/api/events", json={"event": EVENT, "payload": {"q": 1}})
    assert answer.status_code == 201, answer.text
    receipt = answer.json()
    assert receipt["v"] == 1
    assert receipt["state"] == "recorded"
    assert receipt["log"] == tenant.origin
