"""The pages of approval rules: written, checked, saved under a fresh second factor; and who is away."""

from __future__ import annotations

import html
import re
from typing import Any

from tests.accounts.test_second_factor import age_factor
from tests.approvals.conftest import Office, day

HOSTILE = "<script>alert(1)</script>"
WRITTEN: dict[str, Any] = {
    "rows": "1",
    "row0-risk_levels": ["high", "critical"],
    "row0-frameworks": "soc2, own",
    "row0-first_roles": ["approver"],
    "row0-two": "on",
    "rest-first_roles": ["approver"],
    "days-max_days": "200",
    "days-reminder_days": "90 60 30 7",
    "days-reattest_days": "90",
    "days-escalate_days": "5",
    "case-risk_level": "high",
    "case-frameworks": "soc2",
    "do": "check",
}


def hidden(page: str, name: str) -> str:
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', page)
    assert found is not None, page
    return html.unescape(found[1])


def test_rules_are_written_checked_saved_and_read_with_their_entry(office: Office) -> None:
    home = office.get("ada", "/approvals").text
    assert "The default, in force" in home
    assert "/approvals/change" not in home
    assert office.get("ada", "/approvals/change").status_code == 403
    added = office.submit("chief", "/approvals/check", "/approvals/change", **{**WRITTEN, "do": "add"})
    assert "Row 2" in added.text
    assert 'name="row1-assets"' in added.text
    assert "soc2, own" in added.text
    removed = office.submit("chief", "/approvals/check", "/approvals/change", **{**WRITTEN, "do": "remove-0"})
    assert "Row 1" not in removed.text
    wrong = office.submit("chief", "/approvals/check", "/approvals/change", **{**WRITTEN, "row0-assets": HOSTILE})
    assert wrong.status_code == 422
    assert HOSTILE not in wrong.text
    checked = office.submit("chief", "/approvals/check", "/approvals/change", **WRITTEN)
    assert checked.status_code == 200
    assert "Nothing is wrong with them" in checked.text
    assert "If risk is high or critical, and a control of soc2 or own: the role Approver, then anybody" in checked.text
    assert "It needs two approvals of two people" in checked.text
    # What was checked and not saved is there again.
    assert "did not save" in office.get("chief", "/approvals/change").text
    fields = {"document": hidden(checked.text, "document"), "number": hidden(checked.text, "number")}
    saved = office.submit("chief", "/approvals/save", "/approvals/change", **fields, comment=f"stricter {HOSTILE}")
    assert "Version 1 is in force" in saved.text
    assert HOSTILE not in saved.text
    late = office.submit("chief", "/approvals/save", "/approvals/change", **fields, comment="again")
    assert (late.status_code, "version 1 stands, not 0" in late.text) == (422, True)
    (version,) = set(re.findall(r"/approvals/versions/(wfv_\w+)", saved.text))
    shown = office.get("ada", f"/approvals/versions/{version}").text
    assert "not what the entry commits to" not in shown
    assert "An exception lasts at most 200 days" in shown
    assert "changed how exceptions are approved" in shown
    assert office.get("ada", "/approvals/versions/wfv_default").status_code == 200
    assert office.get("ada", "/approvals/versions/wfv_0").status_code == 404
    tried = office.get("ada", "/approvals?risk_level=critical&frameworks=own").text
    assert "Row 1 takes it" in tried
    assert office.get("ada", "/approvals?risk_level=grave").status_code == 422
    assert "is no member here" in office.get("ada", "/approvals?risk_level=low&requester=nobody").text


def test_rules_with_a_fault_offer_no_way_to_save_them(office: Office) -> None:
    alone = {**WRITTEN, "rest-first_people": office.people["ada"].email, "rest-first_roles": []}
    checked = office.submit("chief", "/approvals/check", "/approvals/change", **alone)
    assert "These rules cannot be saved" in checked.text
    assert "Every other case, approval 1" in checked.text
    assert 'name="document"' not in checked.text


def test_saving_asks_for_a_fresh_second_factor(office: Office) -> None:
    with office.people["chief"].signed_in() as client:
        age_factor(office.installation, client, 301)
        mine = Office(office.installation, office.tenant, office.people, {**office.clients, "chief": client})
        sent = mine.submit("chief", "/approvals/save", "/approvals/change", document="{}", number="0", comment="x")
        assert sent.url.path.endswith("/account/step-up")
        order = {"rules": {"otherwise": {"levels": [{}]}}, "comment": "x"}
        assert mine.ask("chief", "PUT", "/api/approval-rules", 403, **order)["type"].endswith(":step-up-needed")
        assert mine.ask("chief", "POST", "/api/delegations", 403)["type"].endswith(":step-up-needed")


def test_who_is_away_says_so_and_the_other_can_end_it(office: Office) -> None:
    said = {"first_day": day(0), "last_day": day(3), "zone": "Europe/Warsaw", "to": office.subject("bea")}
    wrong = office.submit("ada", "/approvals/delegations/new", "/approvals/delegations", **{**said, "zone": "Mars"})
    assert (wrong.status_code, "is no time zone" in wrong.text) == (422, True)
    made = office.submit("ada", "/approvals/delegations/new", "/approvals/delegations", **{**said, "comment": HOSTILE})
    assert "Recorded." in made.text
    assert HOSTILE not in made.text
    assert "End it now" not in office.get("cyd", "/approvals/delegations").text
    assert 'method="post" action="' not in office.get("asks", "/approvals/delegations").text.partition("<main")[2]
    found = re.search(r"/approvals/delegations/(dlg_\w+)/revoke", office.get("bea", "/approvals/delegations").text)
    assert found is not None
    refused = office.submit("cyd", f"/approvals/delegations/{found[1]}/revoke", "/approvals/delegations")
    assert (refused.status_code, "It was not ended" in refused.text) == (422, True)
    ended = office.submit("bea", f"/approvals/delegations/{found[1]}/revoke", "/approvals/delegations")
    assert "Ended from now on" in ended.text
    assert "Revoked" in office.get("asks", "/approvals/delegations?over=1").text
