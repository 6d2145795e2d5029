"""Work: what waits for whom, one step with many, comments that name people, and histories drawn from the ledger."""

from typing import Any

import pytest

from muniment.core.errors import Malformed
from muniment.server.comments.mentions import Member, pieces, read_mentions
from tests.controls.conftest import Office
from tests.support.sitting import Sitting, sitting

ADA = Member("usr_01M80PTR5RSGASVF6MKJ63WGKW", "ada@example.test", "Ada Byron")
BOB = Member("usr_01M80PTRF43BESF88NN8VRC70M", "bob@example.test", "Ada Other")


def test_people_are_named_by_address_id_or_a_word_that_is_theirs_alone() -> None:
    for typed in ("@ada@example.test", f"@{ADA.id}", "@Ada.Byron", "(@ada@example.test)."):
        named = read_mentions(f"ask {typed}", [ADA, BOB])
        assert named.people == (ADA.id,), typed
        assert f"@{ADA.id}" in named.text
    assert read_mentions("an @Override stays, so does x@y.test", [ADA]).people == ()
    for wrong in ("@ada", "@nobody@example.test", "@usr_01M80PTR5RSGASVF6MKJ63WGKZ"):
        with pytest.raises(Malformed) as malformed:
            read_mentions(wrong, [ADA, BOB])
        assert malformed.value.where == "text"
    assert pieces(f"ask @{ADA.id}!", {ADA.id: "Ada"}) == [("ask ", ""), ("Ada", ADA.id), ("!", "")]


def _submitted(office: Office, count: int) -> list[str]:
    """Exceptions of the analyst that wait for a decision."""
    policy = office.ask(
        "POST",
        "/api/policies",
        201,
        code="P-1",
        title="Encryption",
        text="All",
        owner=office.owner,
        effective_on="2026-01-01",
    )["id"]
    ids = []
    for number in range(count):
        made = office.ask(
            "POST", "/api/exceptions", 201, title=f"Case {number}", policy=policy, scope="One", reason="Old",
            risk_level="low", residual_risk="Little", expires_on="2027-06-30", owner=office.owner,
        )  # fmt: skip
        office.ask("POST", f"/api/exceptions/{made['id']}/submit")
        ids.append(made["id"])
    return ids


def entries(office: Office, resource: str) -> list[Any]:
    with office.desk.tenant.client("read") as reading:
        found: list[Any] = reading.get("/api/entries", params={"resource": resource, "limit": "100"}).json()["entries"]
    return [one["entry"]["event"] for one in found]


def test_many_are_decided_each_by_its_own_entry_and_what_is_refused_is_named(office: Office) -> None:
    first, second, third = _submitted(office, 3)
    with sitting(office.desk.tenant, "approver") as approver:
        waiting = approver.get("/api/work/approvals").json()["waiting"]
        assert [one["id"] for one in waiting] == [first, second, third]
        assert (
            approver.send("POST", f"/api/exceptions/{third}/decide", outcome="return", comment="say more").status_code
            == 200
        )
        answer = approver.send(
            "POST",
            "/api/work/bulk",
            do="approve",
            comment="seen",
            items=[{"id": one} for one in (first, third, second, "exc_no")],
        )
        assert answer.status_code == 200, answer.text
        said = answer.json()
        assert said["done"] == [first, second]
        assert [one["id"] for one in said["refused"]] == [third, "exc_no"]
        for one in (first, second):
            assert [event["outcome"] for event in entries(office, one) if event["action"] == "exception.approve"] == [
                "success"
            ]
        assert [event["outcome"] for event in entries(office, third) if event["action"] == "exception.approve"] == [
            "denied"
        ]
        assert approver.get("/api/work/approvals").json()["waiting"] == []
        for body in (
            {"do": "approve", "comment": "", "items": [{"id": first}]},
            {"do": "approve", "comment": "x", "items": [{"id": first}, {"id": first}]},
        ):
            assert approver.send("POST", "/api/work/bulk", **body).status_code == 422
        _comments_and_history(office, approver, first)
    assert office.ask("GET", "/api/work/approvals")["waiting"] == []
    assert (
        office.ask("POST", "/api/work/bulk", 422, do="approve", comment="x", items=[{"id": first}])["field"]
        == "capability"
    )


def test_tasks_findings_and_risks_take_a_step_with_many_and_the_pages_of_things_name_what_is_about_them(
    office: Office,
) -> None:
    asset = office.ask("POST", "/api/assets", 201, name="Gateway")["id"]
    finding = office.ask("POST", "/api/findings", 201, title="Old keys", asset=asset, owner=office.owner)["id"]
    day = {"owner": office.owner, "due_on": "2030-01-31"}
    ids = [office.ask("POST", "/api/tasks", 201, title=f"Rotate {n}", finding=finding, **day)["id"] for n in (1, 2)]
    place = {"likelihood": 2, "impact": 2}
    risk = office.ask(
        "POST", "/api/risks", 201, title="Theft", owner=office.owner, review_on="2030-01-31", current=place,
        plan="Locks", assets=[asset], findings=[finding],
    )["id"]  # fmt: skip

    def many(of: str, do: str, *items: str, **more: Any) -> Any:
        order = {"of": of, "do": do, "comment": "seen", "items": [{"id": one, **more} for one in items]}
        return office.ask("POST", "/api/work/bulk", **order)

    for path, named in ((f"/assets/{asset}", ("Old keys", "Theft", "Rotate 1")), (f"/findings/{finding}", ("Theft",))):
        shown = office.client.get(f"/t/{office.desk.tenant.made.slug}{path}").text
        assert all(one in shown for one in named), path
    marked = office.client.get(
        f"/t/{office.desk.tenant.made.slug}/work/bulk", params={"of": "findings", "do": "verify", "item": finding}
    )
    assert (marked.status_code, "left out" in marked.text) == (200, True)
    said = many("tasks", "finish", *ids, "tsk_no")
    assert (said["done"], [one["id"] for one in said["refused"]]) == (ids, ["tsk_no"])
    assert many("findings", "verify", finding)["refused"][0]["field"] == "state"
    assert many("findings", "start", finding, steps=7)["refused"][0]["field"] == "number"
    assert many("findings", "start", finding)["done"] == [finding]
    assert many("risks", "close", risk)["done"] == [risk]
    assert [event["outcome"] for event in entries(office, finding)].count("denied") == 2
    refused = office.ask("POST", "/api/work/bulk", 422, of="tasks", do="approve", comment="x", items=[{"id": ids[0]}])
    assert refused["field"] == "do"


def _comments_and_history(office: Office, approver: Sitting, exception: str) -> None:
    told = office.owner.removeprefix("user:")
    page = f"/comments/exception/{exception}"
    assert approver.submit(page, page, text=f"@{told} why? <script>").status_code in (200, 302)
    (comment,) = approver.get(f"/api/comments?kind=exception&subject={exception}").json()["comments"]
    assert (comment["text"], comment["mentions"]) == (f"@{told} why? <script>", [office.owner])
    assert approver.submit(page, page, text="@nobody@example.test").status_code == 422
    shown = approver.get(f"/exceptions/{exception}").text
    assert "<script>" not in shown.partition("<main")[2].partition("</main")[0]
    actions = [event["action"] for event in entries(office, exception)]
    assert actions.count("comment.add") == 2
    assert approver.get("/api/comments?kind=exception&subject=exc_no").status_code == 404
    assert office.client.get(f"/t/{office.desk.tenant.made.slug}/work/exceptions").status_code == 200
    for path in ("/work", "/work/board", "/work/calendar", "/search?q=case"):
        assert approver.get(path).status_code == 200, path
