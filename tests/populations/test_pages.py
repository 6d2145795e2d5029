"""The pages lead from a question to a population, a sample, its walk and its marks, and show what does not hold."""

import io
import re

from muniment.verifier.bundle import verify_bundle
from tests.populations.conftest import Desk, Reviewer

HOSTILE = "<script>alert(1)</script>"


def test_from_a_question_to_a_conclusion(desk: Desk, reviewer: Reviewer) -> None:
    places = desk.record(6, controls=["own:1"], actor={"id": f"agent:{HOSTILE}", "type": "agent"})
    desk.seal()
    counted = reviewer.get("/populations/new?control=own%3A1")
    assert "6 entries</h2>" in counted.text
    assert "places 0 to" in counted.text
    size = re.search(r'name="size" value="(\d+)"', counted.text)
    assert size is not None
    desk.record(2, controls=["own:1"])
    desk.seal()
    fields = {"name": f"First quarter {HOSTILE}", "control": "own:1", "size": size[1]}
    saved = reviewer.submit("/populations/save", "/populations/new?control=own%3A1", **fields)
    assert saved.status_code == 200, saved.text
    assert "6 entries" in saved.text
    assert HOSTILE not in saved.text
    population = saved.url.path.rsplit("/", 1)[1]
    assert f"/populations/{population}" in reviewer.get("/populations").text
    drawn = reviewer.submit(
        f"/populations/{population}/draw", f"/populations/{population}", method="random", count="2", outcomes="failure"
    )
    assert drawn.status_code == 200, drawn.text
    assert drawn.text.count("Proven</span>") == 2
    assert HOSTILE not in drawn.text
    sample = drawn.url.path.rsplit("/", 1)[1]
    walk = f"/populations/samples/{sample}"
    first, last = (int(seq) for seq in re.findall(rf'/samples/{sample}/(\d+)" data-row-link', drawn.text))
    assert {first, last} <= set(places)
    following = reviewer.submit(
        f"{walk}/{first}/mark", f"{walk}/{first}",
        ticks="agreed", conclusion="satisfied", comment=HOSTILE, next="1",
    )  # fmt: skip
    assert following.url.path.endswith(f"{walk}/{last}")
    wrong = reviewer.submit(f"{walk}/{last}/mark", f"{walk}/{last}", exception="on")
    assert wrong.status_code == 422
    assert "say what the exception is" in wrong.text
    reviewer.submit(
        f"/populations/samples/{sample}/{last}/mark",
        f"{walk}/{last}",
        exception="on",
        comment="nobody approved it",
    )
    marked = reviewer.get(f"{walk}/{first}")
    assert "Agreed to what the control asks for" in marked.text
    assert HOSTILE not in marked.text
    done = reviewer.submit(
        f"/populations/samples/{sample}/conclude",
        f"/populations/samples/{sample}",
        result="exceptions",
        comment="one of two was not approved",
    )
    assert "one of two was not approved" in done.text
    assert "1 noted" in done.text
    assert "2 of 2 marked" in done.text
    bundle = reviewer.submit(f"{walk}/bundle", walk)
    assert verify_bundle(io.BytesIO(bundle.content)).verdict == "verified"


def test_what_is_wrong_in_a_form_stands_at_its_field(desk: Desk, reviewer: Reviewer) -> None:
    desk.record(3, controls=["own:1"])
    desk.seal()
    asked = reviewer.get("/populations/new?from=yesterday&ask=1")
    assert asked.status_code == 400
    assert "looks like 2026-03-01" in asked.text
    population = desk.save(control="own:1")["id"]
    page = f"/populations/{population}"
    for fields, said in (
        ({"method": "random", "count": "4"}, "the population has 3 items"),
        ({"method": "random"}, "say how many entries to draw"),
        ({"method": "attribute", "confidence": "95"}, "say confidence, tolerable rate and expected rate"),
        ({"method": "stratified", "count": "2"}, "is one of actor, action, outcome, workspace, day"),
    ):
        drawn = reviewer.submit(f"{page}/draw", page, **fields)
        assert drawn.status_code == 422
        assert said in drawn.text, fields
    (denied,) = desk.entries(action="sample.draw")
    assert denied["entry"]["event"]["outcome"] == "denied"


def test_an_entry_that_fails_its_proof_is_shown_as_failing(desk: Desk, reviewer: Reviewer) -> None:
    (place,) = desk.record(1, controls=["own:1"])
    desk.seal()
    sample = desk.draw(desk.save(control="own:1")["id"], method="random", count=1)["id"]
    with desk.tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        raw.execute(
            "UPDATE ledger.entries SET entry = replace(entry, 'agent:a', 'agent:b') WHERE log_id = %s AND seq = %s",
            [desk.tenant.made.log_id, place],
        )
    walk = reviewer.get(f"/populations/samples/{sample}")
    assert "Entries on this page fail their proof" in walk.text
    assert "Fails</span>" in walk.text
    item = reviewer.get(f"/populations/samples/{sample}/{place}")
    assert "not the hash of the stored text" in item.text
    assert 'class="seal seal-broken"' in item.text


def test_who_may_only_read_sees_the_walk_and_no_form(desk: Desk) -> None:
    desk.record(2, controls=["own:1"])
    desk.seal()
    sample = desk.draw(desk.save(control="own:1")["id"], method="random", count=1)
    with desk.reviewer("viewer").signed_in() as client:
        viewer = Reviewer(desk, client)
        walk = viewer.get(f"/populations/samples/{sample['id']}")
        assert walk.status_code == 200
        assert "Record the conclusion" not in walk.text
        item = viewer.get(f"/populations/samples/{sample['id']}/{sample['places'][0]}")
        assert "Mark, and" not in item.text
        population = viewer.get(f"/populations/{sample['population']}")
        assert "Draw a sample" not in population.text


def test_before_the_first_checkpoint_the_page_says_what_is_missing(desk: Desk, reviewer: Reviewer) -> None:
    assert "There is no checkpoint yet" in reviewer.get("/populations/new?ask=1").text
    assert "No population yet" in reviewer.get("/populations").text
    for path in ("/populations/pop_none", "/populations/samples/smp_none", "/populations/samples/smp_none/3"):
        assert reviewer.get(path).status_code == 404
