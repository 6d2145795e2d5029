"""The pages over HTTP: the heatmap's cells lead to their risks, a decision needs a comment, the matrix editor."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from muniment.server.access.pages import rule_of
from muniment.server.capabilities import STEP_UP, Capability
from muniment.server.risks.matrix import Cell
from muniment.server.risks.views.acceptances import decide, revoke
from tests.accounts.test_second_factor import age_factor
from tests.exceptions.conftest import Office
from tests.risks.conftest import Register, in_days
from tests.support.people import csrf_token


class Seat:
    """Somebody of the office in a browser."""

    def __init__(self, office: Office, name: str, client: httpx.Client) -> None:
        self.slug, self.client, self.base = office.tenant.made.slug, client, office.people[name].base

    def get(self, path: str, **asked: str) -> httpx.Response:
        return self.client.get(f"/t/{self.slug}{path}", params=asked or None)

    def submit(self, path: str, page: str, **fields: Any) -> httpx.Response:
        token = csrf_token(self.get(page))
        return self.client.post(
            f"/t/{self.slug}{path}",
            data={"csrfmiddlewaretoken": token, **fields},
            headers={"Referer": f"{self.base}/t/{self.slug}{page}"},
        )


@pytest.fixture
def asks(office: Office) -> Iterator[Seat]:
    with office.people["asks"].signed_in() as client:
        yield Seat(office, "asks", client)


@pytest.fixture
def first(office: Office) -> Iterator[Seat]:
    with office.people["first"].signed_in() as client:
        yield Seat(office, "first", client)


def hrefs(page: str, start: str) -> list[str]:
    return [html.unescape(one) for one in re.findall(rf'href="([^"]*{start}[^"]*)"', page)]


def test_each_cell_of_the_heatmap_is_a_link_to_the_risks_that_it_counts(register: Register, asks: Seat) -> None:
    low, high = (
        register.opened(title="Low one", current=Cell(1, 1)),
        register.opened(title="High one", current=Cell(3, 5)),
    )
    page = asks.get("/risks/heatmap").text
    cells = [one for one in hrefs(page, "/risks") if "cell=" in one]
    assert len(cells) == 25
    (address,) = [one for one in cells if one.endswith("cell=3x5")]
    assert 'aria-label="Possible × Severe, high: 1 risk"' in page
    shown = asks.client.get(address).text
    assert high.id in shown
    assert low.id not in shown
    assert "current: Possible × Severe" in shown


def test_a_risk_is_opened_and_changed_by_forms_that_name_what_is_wrong(office: Office, asks: Seat) -> None:
    said = {
        "title": "By form",
        "owner": office.subject("asks"),
        "treatment": "mitigate",
        "plan": "MFA",
        "review_on": str(in_days(9)),
    }
    wrong = asks.submit("/risks/new", "/risks/new", **said, current_likelihood="3")
    assert wrong.status_code == 422
    assert "Choose both of them, or neither." in wrong.text
    higher = {"current_likelihood": "3", "current_impact": "3", "residual_likelihood": "4", "residual_impact": "1"}
    above = asks.submit("/risks/new", "/risks/new", **said, **higher)
    assert "treatment does not raise a risk" in above.text
    made = asks.submit("/risks/new", "/risks/new", **said, current_likelihood="3", current_impact="3")
    assert made.status_code == 200
    risk = made.url.path.rpartition("/")[2]
    changed = asks.submit(
        f"/risks/{risk}/change", f"/risks/{risk}/change",
        **{**said, "title": "<b>By form</b>"}, current_likelihood="2", current_impact="2", reason="better", number="1",
    )  # fmt: skip
    assert "&lt;b&gt;By form&lt;/b&gt;" in changed.text
    again = asks.submit(
        f"/risks/{risk}/change", f"/risks/{risk}/change", **said, current_likelihood="2", current_impact="1",
        reason="old", number="1",
    )  # fmt: skip
    assert (again.status_code, "version 2 stands, not 1" in again.text) == (422, True)
    for path in ("/risks/rsk_nobody", "/risks/rsk_nobody/change"):
        assert asks.get(path).status_code == 404


def test_a_decision_asks_for_a_fresh_second_factor_and_a_comment(register: Register, first: Seat) -> None:
    for view in (decide, revoke):
        rule = rule_of(view)
        assert rule is not None
        assert (rule.needs, rule.step_up) == (Capability.RISK_ACCEPT, "writes")
    assert Capability.RISK_ACCEPT in STEP_UP
    row = register.opened()
    made = register.proposed(row)
    silent = first.submit(f"/risk-acceptances/{made.id}/decide", f"/risks/{row.id}", decision="accept", comment=" ")
    assert (silent.status_code, "must not be empty" in silent.text) == (422, True)
    done = first.submit(
        f"/risk-acceptances/{made.id}/decide", f"/risks/{row.id}", decision="accept", comment="fine", digest=row.digest
    )
    assert "Accepted" in done.text
    assert register.look("acceptance_for", made.id).state == "accepted"


def test_who_manages_risks_does_not_accept_them_by_asking_the_address(register: Register, asks: Seat) -> None:
    row = register.opened()
    made = register.proposed(row)
    assert "Accept the risk" not in asks.get(f"/risks/{row.id}").text
    answer = asks.submit(f"/risk-acceptances/{made.id}/decide", f"/risks/{row.id}", decision="accept", comment="me")
    assert answer.status_code == 403
    assert register.look("acceptance_for", made.id).state == "proposed"


def test_the_matrix_is_defined_in_another_size_and_a_falling_band_is_shown_at_its_cell(
    register: Register, asks: Seat
) -> None:
    edit = "/risks/matrix/edit?rows=3&columns=4"
    bands = ["lllm", "lmmh", "mhhc"]
    names = {"l": "low", "m": "medium", "h": "high", "c": "critical"}
    fields = {f"likelihood_{at}": f"L{at}" for at in (1, 2, 3)} | {f"impact_{at}": f"I{at}" for at in (1, 2, 3, 4)}
    fields |= {f"band_{one}_{two}": names[bands[one - 1][two - 1]] for one in (1, 2, 3) for two in (1, 2, 3, 4)}
    wrong = asks.submit(edit, edit, **{**fields, "band_3_4": "low"}, reason="smaller", number="0")
    assert wrong.status_code == 422
    assert "bands do not fall" in wrong.text
    done = asks.submit(edit, edit, **fields, reason="smaller", number="0")
    assert "Version 1 is in force." in done.text
    assert register.look("matrix_in_force").matrix.size == "3x4"
    # Neither the page nor the API changes it for whoever left their desk.
    age_factor(register.office.installation, asks.client, 301)
    headers = {"X-CSRFToken": str(asks.client.cookies.get("csrftoken", "")), "Referer": asks.base}
    order = {"likelihood": ["a", "b", "c"], "impact": ["a", "b", "c"], "bands": [], "reason": "unseen"}
    answer = asks.client.put(f"/t/{asks.slug}/api/risk-matrix", json=order, headers=headers)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (403, "step-up-needed")
    assert asks.submit(edit, edit, **fields, reason="unseen", number="1").url.path.endswith("/account/step-up")


def test_a_question_that_cannot_be_asked_is_answered_with_its_parameter(asks: Seat) -> None:
    answer = asks.get("/risks", level="huge")
    assert (answer.status_code, "level" in answer.text, "is one of low" in answer.text) == (422, True, True)
    assert asks.get("/risks/heatmap", cell="9x9").status_code == 422
