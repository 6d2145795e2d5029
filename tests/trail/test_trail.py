"""The tenant's audit trail: who did what, to what, with which outcome; of this tenant alone, for who may read it."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest

from muniment.catalogs.actions import registry
from muniment.server.trail.deeds import ACTIONS, KINDS, NO_DEEDS
from muniment.server.trail.sentences import sentence
from tests.support.people import make_person, submit
from tests.support.servers import Installation, Tenant
from tests.trail.conftest import Acting, rows

pytestmark = pytest.mark.long

SignedIn = Callable[..., Acting]


def page(acting: Acting, query: str = "") -> str:
    answer = acting.page(f"trail{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


def table(acting: Acting, query: str = "") -> list[list[str]]:
    """The cells of the page's table, as text."""
    found = re.findall(r"<tr>(.*?)</tr>", page(acting, query), re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in found]
    plain = [[" ".join(html.unescape(re.sub(r"<[^>]*>", " ", cell)).split()) for cell in row] for row in cells]
    return [row for row in plain if row]


def test_every_action_of_people_belongs_to_one_kind() -> None:
    """An action that the server records and no kind names would be missing from every tenant's trail."""
    of_server = {code for code, action in registry().items() if action.emitter == "server"}
    assert of_server - set(ACTIONS) == NO_DEEDS
    assert set(ACTIONS) <= set(registry())
    assert sorted(action for kind in KINDS for action in kind.actions) == sorted(ACTIONS)


@pytest.mark.parametrize("outcome", ["success", "failure", "denied"])
def test_every_action_of_people_is_said_in_words_and_never_as_done_when_it_was_not(outcome: str) -> None:
    for action in ACTIONS:
        said = sentence(action, "thing", outcome, {})
        assert re.fullmatch(r"[a-z][a-zA-Z, ':-]{3,80}", said), said
        assert "." not in said
        if outcome != "success" and action not in ("access.refuse", "attachment.mismatch"):
            assert said != sentence(action, "thing", "success", {}), action


def test_who_did_what_is_listed_newest_first_with_names(tenant: Tenant, admin: Acting) -> None:
    group = admin.did("POST", "groups", {"name": "Auditors of May"})["id"]
    listed = rows(admin.client, tenant.made.slug)
    assert [row["seq"] for row in listed] == sorted((row["seq"] for row in listed), reverse=True)
    made = next(row for row in listed if row["action"] == "group.change")
    assert (made["actor"], made["actor_name"]) == (admin.person.subject, "Ada Byron")
    assert (made["what"], made["outcome"]) == ("made a group", "success")
    assert (made["about"], made["about_name"]) == (group, "Auditors of May")
    assert made["seal"] == "recorded"
    assert {"signed in", "gave a second factor"} <= {row["what"] for row in listed}
    shown = table(admin)
    assert len(shown) == len(listed)
    assert any("Ada Byron" in row[1] and row[2] == "made a group" and row[3] == "Auditors of May" for row in shown)


def test_a_change_of_settings_is_in_the_trail(tenant: Tenant, admin: Acting) -> None:
    known = admin.did("GET", "settings")
    del known["public_verification"]
    admin.did("PUT", "settings", known | {"security_contact": "mailto:security@company.example"})
    changed, *earlier = rows(admin.client, tenant.made.slug, kind="tenant")
    assert [row["action"] for row in (changed, *earlier)] == ["tenant.settings", "tenant.create"]
    assert changed["what"] == "changed the tenant's settings: security contact"


def test_a_seal_is_shown_once_a_checkpoint_covers_the_entry(tenant: Tenant, admin: Acting) -> None:
    assert {row["seal"] for row in rows(admin.client, tenant.made.slug)} == {"recorded"}
    tenant.installation.seal()
    assert {row["seal"] for row in rows(admin.client, tenant.made.slug)} == {"sealed"}


def test_what_failed_is_not_told_as_done(tenant: Tenant, admin: Acting) -> None:
    fields = {"present": "not my password", "password": "seven quiet herons wade"}
    submit(admin.client, f"/t/{tenant.made.slug}/account/password", fields)
    failed = next(row for row in rows(admin.client, tenant.made.slug) if row["action"] == "user.change")
    assert (failed["outcome"], failed["what"]) == ("failure", "tried to change an account: password")


def test_a_refused_visit_names_what_was_lacking(tenant: Tenant, admin: Acting, signed_in: SignedIn) -> None:
    viewer = signed_in(tenant, "viewer", name="Vera Viewer")
    assert viewer.page("members").status_code == 403
    (refused, *_rest) = rows(admin.client, tenant.made.slug, kind="refusals")
    assert refused["actor_name"] == "Vera Viewer"
    assert refused["outcome"] == "denied"
    assert refused["what"] == "was refused a page: lacks member.read"


@pytest.mark.parametrize("kind", [one.code for one in KINDS])
def test_a_kind_shows_its_actions_alone(tenant: Tenant, admin: Acting, kind: str) -> None:
    admin.did("POST", "groups", {"name": "Team"})
    everything = rows(admin.client, tenant.made.slug, limit=200)
    shown = rows(admin.client, tenant.made.slug, kind=kind, limit=200)
    actions = next(one.actions for one in KINDS if one.code == kind)
    assert [row["seq"] for row in shown] == [row["seq"] for row in everything if row["action"] in actions]
    assert len(table(admin, f"?kind={kind}")) == len(shown)


def test_a_person_is_picked_out(tenant: Tenant, admin: Acting, signed_in: SignedIn) -> None:
    other = signed_in(tenant, "analyst", name="Bo Other")
    for person, name in ((admin.person, "Ada Byron"), (other.person, "Bo Other")):
        shown = rows(admin.client, tenant.made.slug, person=person.user_id)
        assert shown
        assert {row["actor_name"] for row in shown} == {name}
    both = rows(admin.client, tenant.made.slug, person=other.person.user_id, kind="roles")
    assert both == []
    assert "Nobody did anything of this kind" in page(admin, f"?person={other.person.user_id}&kind=roles")
    assert f'<option value="{other.person.user_id}" selected>Bo Other</option>' in page(
        admin, f"?person={other.person.user_id}"
    )


def test_pages_hold_every_deed_once(tenant: Tenant, admin: Acting) -> None:
    for at in range(5):
        admin.did("POST", "groups", {"name": f"Group {at}"})
    whole = [row["seq"] for row in rows(admin.client, tenant.made.slug, limit=200)]
    paged: list[int] = []
    cursor: str | None = None
    while True:
        query = {"limit": "3", **({"cursor": cursor} if cursor else {})}
        answer = admin.client.get(f"/t/{tenant.made.slug}/api/trail", params=query).json()
        assert len(answer["trail"]) <= 3
        paged += [row["seq"] for row in answer["trail"]]
        cursor = answer["cursor"]
        if cursor is None:
            break
        # What comes in between is newer and moves no page.
        if len(paged) == 3:
            admin.did("POST", "groups", {"name": "In between"})
    assert paged == whole


def test_the_page_leads_on_and_back_to_the_newest(tenant: Tenant, admin: Acting) -> None:
    for at in range(52):
        admin.did("POST", "groups", {"name": f"Group {at}"})
    first = page(admin, "?kind=roles")
    (following,) = re.findall(r'href="(\?[^"]*cursor=[^"]*)"', first)
    second = table(admin, html.unescape(following))
    assert (len(table(admin, "?kind=roles")), len(second)) == (50, 2)
    assert [row[3] for row in second] == ["Group 1", "Group 0"]
    assert "Newest" in page(admin, html.unescape(following))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("kind=nonsense", "kind"),
        ("cursor=1", "cursor"),
        ("cursor=x.y", "cursor"),
        ("cursor=999999999999999999.1", "cursor"),
        ("cursor=1.9999999999999999", None),
        ("cursor=%C2%B2.1", "cursor"),
        ("person=%00", "actor"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=many", "limit"),
        ("person=usr_%27%20OR%201=1", None),
    ],
)
def test_what_cannot_be_read_is_named_and_not_a_fault(
    tenant: Tenant, admin: Acting, query: str, field: str | None
) -> None:
    answer = admin.client.get(f"/t/{tenant.made.slug}/api/trail?{query}")
    if field is None:
        assert (answer.status_code, answer.json()["trail"]) == (200, [])
    else:
        assert answer.status_code in (400, 422)
        assert field in answer.text
    shown = admin.page(f"trail?{query}").status_code
    assert shown == 200 if field in (None, "limit") else shown == 400


HOSTILE = "\"><script>alert(1)</script>'{{ 7|add:7 }}&#x202e;"


def test_names_are_shown_as_text_wherever_they_stand(tenant: Tenant, signed_in: SignedIn) -> None:
    mallory = signed_in(tenant, name=HOSTILE)
    mallory.did("POST", "groups", {"name": HOSTILE})
    for query in ("", f"?person={mallory.person.user_id}", "?kind=roles"):
        text = page(mallory, query)
        assert "<script>alert" not in text
        assert "{{ 7|add:7 }}" in text
    who, what = table(mallory, "?kind=roles")[0][1], table(mallory, "?kind=roles")[0][3]
    assert who == f"{HOSTILE} {mallory.person.subject}"
    assert what == HOSTILE


@pytest.mark.parametrize("query", ["person=%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "person=%3Cimg%20src%3Dx%3E"])
def test_a_filter_comes_back_as_text(admin: Acting, query: str) -> None:
    text = page(admin, f"?{query}")
    assert "<script>alert" not in text
    assert "<img src=x" not in text


def test_another_tenant_sees_neither_deeds_nor_people(
    installation: Installation, tenant: Tenant, admin: Acting, signed_in: SignedIn
) -> None:
    elsewhere = installation.tenant()
    stranger = signed_in(elsewhere, name="Stan Stranger")
    admin.did("POST", "groups", {"name": "Ours alone"})
    answer = stranger.client.get(f"/t/{tenant.made.slug}/api/trail")
    assert answer.status_code == 404
    assert stranger.client.get(f"/t/{tenant.made.slug}/trail").status_code == 404
    own = page(stranger)
    for text in ("Ours alone", "Ada Byron", admin.person.user_id):
        assert text not in own
    # Asking for the person by id gives nothing either, and no name.
    assert rows(stranger.client, elsewhere.made.slug, person=admin.person.user_id) == []
    assert "Ada Byron" not in page(stranger, f"?person={admin.person.user_id}")
    headers = {"X-Tenant": tenant.made.slug}
    assert stranger.client.get("/api/trail", headers=headers).status_code == 404
    with elsewhere.client("read") as machine:
        assert machine.get("/api/trail", headers=headers).status_code in (403, 404)


def test_the_same_cursor_in_another_tenant_shows_that_tenants_own(
    installation: Installation, tenant: Tenant, admin: Acting, signed_in: SignedIn
) -> None:
    elsewhere = installation.tenant()
    stranger = signed_in(elsewhere, name="Stan Stranger")
    cursor = admin.client.get(f"/t/{tenant.made.slug}/api/trail", params={"limit": "1"}).json()["cursor"]
    shown = stranger.client.get(f"/t/{elsewhere.made.slug}/api/trail", params={"cursor": cursor}).json()["trail"]
    assert {row["actor_name"] for row in shown} <= {"Stan Stranger", ""}
    assert admin.person.subject not in {row["actor"] for row in shown}


@pytest.mark.parametrize("role", ["viewer", "engineer"])
def test_who_may_not_read_the_trail_is_refused_and_that_stands_in_it(
    tenant: Tenant, admin: Acting, signed_in: SignedIn, role: str
) -> None:
    other = signed_in(tenant, role, name="Otto Other")
    assert other.page("trail").status_code == 403
    assert other.client.get(f"/t/{tenant.made.slug}/api/trail").status_code == 403
    refused = rows(admin.client, tenant.made.slug, kind="refusals")
    assert [row["what"].rpartition(": ")[2] for row in refused] == ["lacks trail.read"] * 2
    assert {row["actor_name"] for row in refused} == {"Otto Other"}


def test_what_an_auditor_reads_is_in_the_trail_before_the_auditor_sees_it(
    tenant: Tenant, admin: Acting, signed_in: SignedIn
) -> None:
    auditor = signed_in(tenant, "auditor", name="Audrey Auditor", until="2099-01-01")
    assert rows(auditor.client, tenant.made.slug, kind="reads")[0]["actor_name"] == "Audrey Auditor"
    page(auditor, "?kind=sign-in")
    reads = rows(admin.client, tenant.made.slug, kind="reads")
    assert {(row["actor_name"], row["what"]) for row in reads} == {("Audrey Auditor", "read")}
    # Signing in led to the overview.
    assert [row["about"] for row in reads] == ["/trail", "/api/trail", "/"]
    # Reading by somebody whose reading is not recorded adds nothing.
    assert len(rows(admin.client, tenant.made.slug, kind="reads")) == 3


def test_what_agents_record_is_no_deed_of_people(tenant: Tenant, admin: Acting) -> None:
    before = len(rows(admin.client, tenant.made.slug, limit=200))
    event = {"action": "tool.call", "actor": {"type": "agent", "id": "agent:first"}, "outcome": "success"}
    with tenant.client() as machine:
        assert machine.post("/api/events", json={"event": event}).is_success
        # A client that names an action of the server's is refused or is no source of the trail.
        machine.post("/api/events", json={"event": event | {"action": "role.change"}})
    after: list[dict[str, Any]] = rows(admin.client, tenant.made.slug, limit=200)
    assert [row for row in after if row["actor"] == "agent:first"] == []
    assert len([row for row in after if row["action"] != "key.use"]) == before


def test_an_entry_leads_to_the_explorer_and_one_action_to_its_export(tenant: Tenant, admin: Acting) -> None:
    (seq, *_rest) = (row["seq"] for row in rows(admin.client, tenant.made.slug))
    assert f'href="/t/{tenant.made.slug}/ledger/{seq}"' in page(admin)
    assert f'href="/t/{tenant.made.slug}/ledger?action=sso.change"' in page(admin, "?kind=sso")
    assert "?action=" not in page(admin)


def test_somebody_who_left_keeps_their_deeds_and_loses_the_name(
    installation: Installation, tenant: Tenant, admin: Acting
) -> None:
    gone = make_person(installation, tenant, "analyst", name="Gwen Gone")
    with gone.signed_in(tenant=tenant.made.slug):
        pass
    assert "Gwen Gone" in page(admin)
    with installation.database.connect("superuser", autocommit=True) as connection:
        connection.execute("DELETE FROM django.members_membership WHERE user_id = %s", [gone.user_id])
    shown = rows(admin.client, tenant.made.slug, person=gone.user_id)
    assert {row["what"] for row in shown} == {"signed in", "gave a second factor"}
    assert {row["actor_name"] for row in shown} == {""}
    assert "Gwen Gone" not in page(admin)
