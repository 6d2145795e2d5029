"""The pages lead from a file to a framework and its gaps, and from overrides to the mapping in force."""

import json
import re

from tests.frameworks.conftest import TABLE, Office, overrides
from tests.populations.conftest import Desk, Reviewer
from tests.support.people import csrf_token

HOSTILE = "<script>alert(1)</script>"


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of the first form that carries a checked file."""
    return dict(re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)"', text))


def test_a_file_is_checked_brought_in_and_shown_with_its_gaps(desk: Desk, reviewer: Reviewer) -> None:
    token = csrf_token(reviewer.get("/frameworks/import"))
    fields = {
        "csrfmiddlewaretoken": token,
        "id": "lamps",
        "title": HOSTILE,
        "licence_class": "C",
        "numbering": "as-given",
    }
    checked = reviewer.client.post(
        reviewer.address("/frameworks/import"), data=fields | {"check": "1"},
        files={"file": ("lamps.csv", TABLE.encode(), "text/csv")}, headers={"Referer": str(reviewer.client.base_url)},
    )  # fmt: skip
    assert checked.status_code == 200, checked.text
    assert "lamps.csv would be brought in as lamps" in checked.text
    assert HOSTILE not in checked.text
    kept = hidden(checked.text)
    done = reviewer.client.post(
        reviewer.address("/frameworks/import"),
        data=fields | {"kept": kept["kept"], "kept_name": kept["kept_name"], "keep": "1"},
        headers={"Referer": str(reviewer.client.base_url)},
    )
    assert done.url.path.endswith("/frameworks/lamps"), done.text
    assert "The lamps burn at night" in done.text
    assert HOSTILE not in done.text
    assert "lamps" in reviewer.get("/frameworks").text
    gaps = reviewer.get("/frameworks/lamps/coverage?only=nothing")
    assert "<code>lamps:A.1</code>" in gaps.text
    assert "actions map to 0" in gaps.text
    assert reviewer.get("/frameworks/soc2/coverage?from=yesterday").status_code == 400
    wrong = reviewer.client.post(
        reviewer.address("/frameworks/import"), data=fields | {"keep": "1"},
        files={"file": ("lamps.csv", b"id,label\nA.1,a\nA.1,b\n", "text/csv")},
        headers={"Referer": str(reviewer.client.base_url)},
    )  # fmt: skip
    assert (wrong.status_code, "lamps.csv, line 3" in wrong.text) == (422, True)
    (refused,) = desk.entries(action="catalog.import", outcome="denied")
    assert refused


def test_overrides_are_checked_put_in_force_and_taken_back(office: Office, reviewer: Reviewer) -> None:
    document = json.dumps(overrides(entry={"x.deploy.approve": {"add": ["soc2:CC8.1"]}}))
    checked = reviewer.submit(
        "/frameworks/mapping/change", "/frameworks/mapping", document=document, replaces="base-1", check="1"
    )
    assert "would be in force" in checked.text
    put = reviewer.submit(
        "/frameworks/mapping/change", "/frameworks/mapping", document=document, replaces="base-1", put="1"
    )
    assert put.url.path.endswith("/frameworks/mapping"), put.text
    version = office.api("GET", "/api/mapping")["version"]
    assert version in put.text
    wrong = document.replace("soc2:CC8.1", "soc2:CC99")
    refused = reviewer.submit(
        "/frameworks/mapping/change", "/frameworks/mapping", document=wrong, replaces=version, put="1"
    )
    assert refused.status_code == 422
    assert "entry.x.deploy.approve.add[0]" in refused.text
    assert "soc2:CC99" in refused.text
    stale = reviewer.submit(
        "/frameworks/mapping/change", "/frameworks/mapping", document=wrong, replaces="base-1", base="1"
    )
    assert stale.status_code == 422
    reviewer.submit("/frameworks/mapping/change", "/frameworks/mapping", document="", replaces=version, base="1")
    assert office.api("GET", "/api/mapping")["version"] == "base-1"


def test_who_may_only_look_changes_nothing(desk: Desk) -> None:
    with desk.reviewer("viewer").signed_in() as client:
        address = f"/t/{desk.tenant.made.slug}"
        assert client.get(f"{address}/frameworks").status_code == 200
        assert client.get(f"{address}/frameworks/import").status_code == 403
        assert "Put in force" not in client.get(f"{address}/frameworks/mapping").text
