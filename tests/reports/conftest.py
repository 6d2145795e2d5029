"""A tenant whose entries are reported, and the commands that report them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from muniment.cli.main import muniment
from tests.populations.conftest import Desk, Reviewer
from tests.server.events import ulid
from tests.support.servers import Installation, Tenant

__all__ = ["desk", "pdf", "run"]

CONTROLS = ("soc2:CC9.2", "cis-8-1:8")
LAYOUT: dict[str, Any] = {
    "format": "muniment-layout/1",
    "title": "Tool calls",
    "sections": [
        {"kind": "heading", "text": "By outcome", "level": 1},
        {"kind": "chart", "by": "outcome"},
        {"kind": "strata", "by": "actor"},
        {"kind": "text", "text": '#read("/etc/passwd") ] and so on'},
        {"kind": "table", "columns": ["place", "recorded", "action", "actor", "outcome"], "limit": 3},
        {"kind": "samples"},
    ],
}


@pytest.fixture
def desk(installation: Installation, tenant: Tenant) -> Iterator[Desk]:
    with tenant.client("read") as reading:
        yield Desk(installation, tenant, f"src_{ulid()}", reading)


@pytest.fixture
def reviewer(desk: Desk) -> Iterator[Reviewer]:
    """An analyst."""
    with desk.reviewer("analyst").signed_in() as client:
        yield Reviewer(desk, client)


@pytest.fixture
def run(desk: Desk) -> Callable[..., Result]:
    """Run `muniment` against the tenant's ledger."""

    def ran(*arguments: str, offline: bool = False) -> Result:
        environment = {"NO_PROXY": "*"} if offline else {
            "MUNIMENT_URL": desk.installation.url,
            "MUNIMENT_READ_KEY": desk.tenant.made.tokens["read"],
            "NO_PROXY": "*",
        }  # fmt: skip
        return CliRunner().invoke(muniment, list(arguments), env=environment)

    return ran


@pytest.fixture
def pdf(desk: Desk, run: Callable[..., Result], tmp_path: Path) -> Path:
    """A report of control evidence over seven entries, as a file."""
    desk.record(5, controls=["soc2:CC9.2"], actor={"id": "agent:\u202ered", "type": "agent"})
    desk.record(2, controls=["soc2:CC9.2"], outcome="failure")
    desk.seal()
    path = tmp_path / "report.pdf"
    made = run("report", "control", *CONTROLS, "-o", str(path), "--json")
    assert made.exit_code == 0, made.output + str(made.exception)
    assert json.loads(made.output)["kind"] == "control"
    return path
