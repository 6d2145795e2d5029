"""Attachments are hashed while they come in, kept whole or not at all, and given out as they were recorded or not."""

import hashlib
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.attachments.conftest import PART, PDF, Desk

HOSTILE = "<script>alert(1)</script>"


def test_a_file_comes_back_as_it_was_sent_and_its_hash_stands_in_the_log(desk: Desk) -> None:
    data = PDF + os.urandom(PART + 70_000)
    made = desk.attach(data, controls=["soc2:CC6.1"], note="by an outside firm", **{"from": "2026-01-01"})
    digest = hashlib.sha256(data).hexdigest()
    assert (made["sha256"], made["size"], made["version"]) == (digest, len(data), 1)
    (event,) = desk.entries("attachment.add")
    assert event["facts"]["sha256"] == digest
    assert event["facts"]["size"] == str(len(data))
    assert event["facts"]["type"] == "application/pdf"
    assert event["resource"]["id"] == made["id"]
    answer = desk.get(f"/api/attachments/{made['id']}/content")
    assert answer.content == data
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert answer.headers["content-disposition"].startswith('attachment; filename="summary.pdf"')
    with desk.tenant.in_database() as raw:
        stored = raw.execute(
            "SELECT sealed FROM django.attachments_chunk WHERE tenant_id = %s ORDER BY number",
            [desk.tenant.made.tenant_id],
        ).fetchone()
    assert stored is not None
    assert PDF not in bytes(stored[0])
    (listed,) = desk.get("/api/attachments", control="soc2:CC6.1").json()["attachments"]
    assert listed["id"] == made["id"]
    assert desk.get("/api/attachments", control="soc2:CC6.2").json()["attachments"] == []
