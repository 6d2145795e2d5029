"""The board report: every number is asked of the entries, and a change alters the figures that it concerns alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result

from muniment.cli.main import muniment
from muniment.core.canonical import parse_json
from muniment.reports.asks import Ask, read_ask
from muniment.reports.blocks import MalformedReport, Paragraph, Table
from muniment.reports.document import Document
from muniment.reports.extraction import read_document
from tests.exceptions.conftest import Office, in_days, inside, office, staff
from tests.server.events import complete, ulid

__all__ = ["inside", "office", "staff"]
Run = Callable[..., Result]


@pytest.fixture
def muniment_run(office: Office) -> Run:
    """Run `muniment` against the office's ledger."""

    def ran(*arguments: str) -> Result:
        environment = {
            "MUNIMENT_URL": office.installation.url,
            "MUNIMENT_READ_KEY": office.tenant.made.tokens["read"],
            "NO_PROXY": "*",
        }
        return CliRunner().invoke(muniment, list(arguments), env=environment)

    return ran


def drawn(run: Run, kind: str, path: Path, *more: str) -> Document:
    made = run("report", kind, "-o", str(path), *more)
    assert made.exit_code == 0, made.output
    return read_document(path.read_bytes())


def numbers(document: Document) -> dict[str, Any]:
    return {one.what: one.value for one in document.numbers}


def changed(before: Document, after: Document) -> dict[str, tuple[Any, Any]]:
    """What two reports say differently, by what it is; of the later one's new figures the first value is None."""
    old, new = numbers(before), numbers(after)
    assert set(old) <= set(new)
    return {what: (old.get(what), value) for what, value in new.items() if old.get(what) != value}


def gaps(document: Document) -> list[str]:
    """The controls that a report lists as gaps."""
    texts = [one.parts for one in document.blocks if isinstance(one, Paragraph)]
    at = next(at for at, parts in enumerate(texts) if parts[0] == "Without an entry (of these, evidenced: ")
    return str(texts[at + 1][0]).split(", ")


def test_a_change_alters_the_figures_that_it_concerns_and_no_other(
    office: Office, muniment_run: Run, tmp_path: Path
) -> None:
    first = office.active(risk_level="low", expires_on=in_days(120))
    office.submitted(title="Still under review")
    office.installation.seal()
    before = drawn(muniment_run, "board", tmp_path / "before.pdf")
    said = numbers(before)
    assert (said["exceptions active"], said["exceptions under review"], said["exceptions expiring soon"]) == (1, 1, 0)
    assert (said["soc2: exceptions active"], said[f"{first.id}: state"]) == (1, "active")
    assert (said["risks not closed"], said["risks not closed: low"], said["tasks overdue"]) == (1, 1, 0)
    assert not any(what.startswith(("iso27001", "pci-dss", "nist-csf")) for what in said)
    (table,) = [one for one in before.blocks if isinstance(one, Table) and one.columns[0].label == "Exception"]
    assert [row[2] for row in table.rows] == ["a stolen password opens it"]
    checked = muniment_run("verify", str(tmp_path / "before.pdf"), "--no-known-logs")
    assert checked.output.startswith("VERIFIED"), checked.output

    missing = gaps(before)
    assert said["soc2: controls evidenced"] == int(_controls(before)) - len(missing)
    second = office.active(title="A second one", risk_level="medium", expires_on=in_days(20))
    with office.tenant.client() as append:
        event = complete(f"src_{ulid()}", b"{}", controls=[f"soc2:{missing[0]}"])
        assert append.post("/api/events", json=event).status_code == 201
        # A step is the server's to record: nobody who holds a key adds one.
        forged = complete(
            f"src_{ulid()}", b"{}", action="exception.activate", resource={"type": "exception", "id": "exc_forged"}
        )
        assert append.post("/api/events", json=forged).status_code == 422
    office.installation.seal()
    after = drawn(muniment_run, "board", tmp_path / "after.pdf")
    assert gaps(after) == missing[1:]
    differing = changed(before, after)
    del differing["entries under the checkpoint"]
    assert differing == {
        "exceptions active": (1, 2),
        "exceptions expiring soon": (0, 1),
        "risks not closed": (1, 2),
        "risks not closed: medium": (0, 1),
        "soc2: controls evidenced": (said["soc2: controls evidenced"], said["soc2: controls evidenced"] + 1),
        "soc2: exceptions active": (1, 2),
        f"{second.id}: state": (None, "active"),
        f"{second.id}: stale": (None, 0),
        # It was the same question as that of the framework as long as there was no second one.
        f"{first.id}: stale": (None, 0),
    }
    # The short one: what changed since the one before it, each of both asked by entries.
    first_of_all = drawn(muniment_run, "executive", tmp_path / "first.pdf")
    assert not [what for what in numbers(first_of_all) if "last report" in what]
    with office.tenant.client("read") as reading:
        refused = reading.post("/api/reports", json={"kind": "executive", "framework": "soc2"})
        assert (refused.status_code, refused.json()["field"]) == (422, "framework")
    third = office.active(title="A third one", risk_level="low", expires_on=in_days(120))
    office.does("asks", "withdraw", second.id, comment="it is mended")
    office.installation.seal()
    compared = numbers(drawn(muniment_run, "executive", tmp_path / "second.pdf"))
    assert third.state == "active"
    assert [compared[f"{name}{then}"] for name in ("Exceptions in force", "of these ending soon")
            for then in ("", ", at the last report")] == [2, 2, 0, 1]  # fmt: skip
    checked = muniment_run("verify", str(tmp_path / "second.pdf"), "--no-known-logs")
    assert checked.output.startswith("VERIFIED"), checked.output
    # Under the first checkpoint it is the first report, byte for byte, whatever was recorded since.
    drawn(muniment_run, "board", tmp_path / "again.pdf", "--size", str(before.checkpoint.size))
    assert (tmp_path / "again.pdf").read_bytes() == (tmp_path / "before.pdf").read_bytes()


def _controls(document: Document) -> str:
    (row,) = next(one.rows for one in document.blocks if isinstance(one, Table) and one.columns[0].label == "Framework")
    return str(row[1])


def test_a_question_about_things_is_read_strictly_and_says_in_words_what_it_asks() -> None:
    asked = {
        "kind": "subjects", "about": "exception", "actions": ["exception.submit"], "ids": ["exc_1"], "below": 7,
        "where": [{"label": "to", "is": ["active"]}, {"label": "expires", "of": "exception.submit", "before": "2027"}],
    }  # fmt: skip
    ask = read_ask(parse_json(_text(asked)), "ask")
    assert ask.as_json() == asked
    assert ask.words == (
        "of 1 named ones; to active; expires of exception.submit before 2027; before entry 7; "
        "by the newest of exception.submit"
    )
    for wrong, where in (
        ({"below": 0}, "ask.below"),
        ({"where": [{"label": "to"}]}, "ask.where[0]"),
        ({"where": [{"label": "to", "is": []}]}, "ask.where[0]"),
        ({"where": [{"label": "to", "is": [1]}]}, "ask.where[0].is[0]"),
        ({"where": [{"label": "to", "like": "a"}]}, "ask.where[0].like"),
        ({"ids": "exc_1"}, "ask.ids"),
        ({"about": ""}, "ask.about"),
        ({"more": 1}, "ask.more"),
    ):
        with pytest.raises(MalformedReport) as found:
            read_ask(parse_json(_text({**asked, **wrong})), "ask")
        assert found.value.where == where
    evidenced = Ask("evidenced", {}, groups=((("soc2:CC6.1",), (), ()),))
    assert read_ask(evidenced.as_json(), "ask") == evidenced
    with pytest.raises(MalformedReport, match="ids, actions"):
        read_ask({**evidenced.as_json(), "groups": [[["soc2:CC6.1"]]]}, "ask")


def _text(value: object) -> bytes:
    return orjson.dumps(value)
