"""Saying how one is told: by page, operation and command; what a tenant sets for everybody else."""

from __future__ import annotations

from click.testing import CliRunner

from muniment.cli.main import muniment
from muniment.server.notifications import services
from muniment.server.notifications.events import EVENTS
from muniment.server.notifications.routing import Choice
from muniment.server.tenants.scope import tenant_scope
from tests.controls.conftest import service_token
from tests.notifications.conftest import Office
from tests.populations.conftest import Desk
from tests.support.sitting import Sitting, sitting


def form(**changes: str) -> dict[str, str]:
    """The form as it stands, with changes; a box that is marked is sent as on."""
    said = {"zone": "UTC", "digest_hour": "8", "digest_day": "0", "quiet_from": "", "quiet_to": ""}
    for code, event in EVENTS.items():
        said |= {f"{code}.mail": event.mail, f"{code}.in_app": "on"}
    return {name: value for name, value in {**said, **changes}.items() if value != "unmarked"}


def test_what_a_person_chooses_on_their_page_holds_and_is_recorded(office: Office) -> None:
    with sitting(office.tenant, "analyst") as desk:
        page = "/settings/notifications"
        given = form(
            zone="Europe/Warsaw",
            quiet_from="22:00",
            quiet_to="07:00",
            **{"comment.mention.in_app": "unmarked", "comment.mention.mail": "weekly"},
        )
        assert desk.submit(page, page, **given).status_code == 200
        with tenant_scope(office.tenant_id):
            held = services.routing_of([desk.person.user_id])[desk.person.user_id]
        assert held.choices["comment.mention"] == Choice(in_app=False, mail="weekly")
        assert (held.hours.zone, held.hours.quiet_from, held.hours.quiet_to) == ("Europe/Warsaw", 22 * 60, 7 * 60)
        assert 'value="22:00"' in desk.get(page).text
    (entry,) = office.entries("notification.change")
    assert entry["resource"] == {"type": "user", "id": desk.person.user_id}


WRONG = (
    ({"zone": "Europe/Nowhere"}, "is no time zone that is known here"),
    ({"quiet_from": "22:00"}, "quiet hours have a beginning and an end"),
    ({"comment.mention.mail": "hourly"}, "not one of the available choices"),
)


def test_a_page_says_at_its_field_what_cannot_be(office: Office) -> None:
    with sitting(office.tenant, "analyst") as desk:
        for changes, said in WRONG:
            answer = desk.submit("/settings/notifications", "/settings/notifications", **form(**changes))
            assert answer.status_code == 422
            assert said in answer.text
    assert office.entries("notification.change") == []


def test_a_form_that_leaves_out_what_is_always_shown_does_not_switch_it_off(office: Office) -> None:
    with sitting(office.tenant, "analyst") as desk:
        given = form(**{"exception.expiring.in_app": "unmarked"})
        assert desk.submit("/settings/notifications", "/settings/notifications", **given).status_code == 200
        with tenant_scope(office.tenant_id):
            assert services.routing_of([desk.person.user_id])[desk.person.user_id].choices["exception.expiring"].in_app


def ask(desk: Sitting, method: str, path: str, answered: int = 200, **body: object) -> dict[str, object]:
    answer = desk.send(method, path, **body) if body else desk.send(method, path)
    assert answer.status_code == answered, answer.text
    found: dict[str, object] = answer.json()
    return found


def test_a_person_sees_and_marks_their_own_over_the_api_and_nobody_elses(office: Office) -> None:
    with sitting(office.tenant, "analyst") as ada, sitting(office.tenant, "analyst") as bo:
        (told,) = office.notify(ada.person.user_id)
        (one,) = ask(ada, "GET", "/api/notifications?unread=true")["notifications"]  # type: ignore[misc]
        assert (one["id"], one["read"], one["event"]) == (told, False, "exception.expiring")
        assert ask(bo, "GET", "/api/notifications")["notifications"] == []
        assert ask(bo, "POST", "/api/notifications/read", ids=[told]) == {"read": 0}
        refused = bo.send("GET", f"/api/notifications?person={ada.person.user_id}")
        assert refused.status_code == 403
        assert ask(ada, "POST", "/api/notifications/read", ids=[told]) == {"read": 1}
        assert ask(ada, "GET", "/api/notifications?unread=true")["notifications"] == []


def test_the_api_names_what_is_wrong_with_routing(office: Office) -> None:
    with sitting(office.tenant, "analyst") as desk:
        shown = {"exception.expiring": {"in_app": False, "mail": "off"}}
        assert ask(desk, "PUT", "/api/notification-routing", 422, events=shown)["field"] == "exception.expiring.in_app"
        unheard = {"exception.unheard": {"mail": "off"}}
        assert ask(desk, "PUT", "/api/notification-routing", 422, events=unheard)["field"] == "event"
        assert ask(desk, "PUT", "/api/notification-routing", 422, hours={"zone": "Mars/Base"})["field"] == "zone"
        assert desk.send("PUT", "/api/notification-defaults", hours={"zone": "UTC"}).status_code == 403


def test_defaults_hold_for_who_chose_nothing_and_leave_others_as_they_are(office: Office) -> None:
    with sitting(office.tenant) as admin, sitting(office.tenant, "analyst") as desk:
        chosen = {"comment.mention": {"mail": "off"}}
        ask(desk, "PUT", "/api/notification-routing", events=chosen)
        ask(
            admin,
            "PUT",
            "/api/notification-defaults",
            hours={"zone": "Asia/Kolkata"},
            events={"comment.mention": {"in_app": True, "mail": "weekly"}, "task.assigned": {"mail": "off"}},
        )
        other = office.person()
        with tenant_scope(office.tenant_id):
            held = services.routing_of([desk.person.user_id, other.user_id])
        assert held[other.user_id].choices["comment.mention"].mail == "weekly"
        assert held[other.user_id].hours.zone == "Asia/Kolkata"
        assert held[desk.person.user_id].choices["comment.mention"].mail == "off"
        assert held[desk.person.user_id].choices["task.assigned"].mail == "off"
        assert held[desk.person.user_id].hours.zone == "UTC"


def test_commands_list_what_was_told_and_set_the_defaults(office: Office) -> None:
    person = office.person()
    office.notify(person.user_id, title="MFA on the \x1b[31mlegacy VPN")
    with office.tenant.client("read") as reading:
        token = service_token(Desk(office.installation, office.tenant, "", reading), "administrator")
    environment = {"MUNIMENT_URL": office.installation.url, "MUNIMENT_READ_KEY": token}

    def run(*arguments: str, code: int = 0) -> str:
        found = CliRunner().invoke(muniment, ["notification", *arguments], env=environment)
        assert found.exit_code == code, (found.output, found.exception)
        return found.output

    listed = run("list")
    assert person.user_id in listed
    assert "exception.expiring" in listed
    assert "\x1b" not in listed
    assert run("list", "--event", "task.assigned") == "There is none.\n"
    assert run("messages") == "There is none.\n"
    said = run("set-default", "--event", "task.assigned=off", "--zone", "Europe/Warsaw", "--quiet", "22:00-07:00")
    assert "quiet hours  22:00-07:00" in said
    assert "e-mail off" in said
    assert "(chose nothing)" in run("routing", "--person", person.user_id)
    assert "--quiet is FROM-TO" in run("set-default", "--quiet", "late", code=2)
    assert "EVENT=WAY" in run("set-default", "--event", "task.assigned", code=2)


def test_a_key_is_told_of_nothing_and_does_not_see_who_has_read(office: Office) -> None:
    person = office.person()
    office.notify(person.user_id)
    with office.tenant.client("read") as reading:
        (one,) = reading.get("/api/notifications").json()["notifications"]
        refused = reading.post("/api/notifications/read", json={"ids": [one["id"]]})
        unread = reading.get("/api/notifications", params={"unread": "true"})
    assert one["read"] is None
    assert (refused.status_code, refused.json()["field"]) == (422, "person")
    assert (unread.status_code, unread.json()["field"]) == (422, "unread")
