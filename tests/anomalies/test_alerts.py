"""A tenant's log is read on; what is unusual becomes an alert, once, and a person looks at it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from muniment.anomalies.watched import Watched as Settings
from muniment.core.errors import Malformed, Refused
from muniment.server.anomalies import services
from muniment.server.anomalies.job import Watching
from muniment.server.anomalies.models import Acknowledgement, Alert, Learned, Reading
from muniment.server.notifications.models import Notification
from muniment.server.tenants.scope import tenant_scope
from tests.accounts.test_second_factor import session_edit
from tests.anomalies.conftest import Watched, zone_of_noon
from tests.support.people import make_person
from tests.support.servers import client_with


def test_what_is_unusual_is_raised_with_its_entries_and_told_to_others_than_it_is_about(watched: Watched) -> None:
    careless, looks = watched.people["careless"], watched.people["looks"]
    alert = watched.raised()
    assert (alert.detector, alert.about, alert.learned) == ("mass-delete", [careless.subject], False)
    assert alert.sentence.startswith("15 removals by one person ")
    (entry,) = watched.entries("alert.raise")
    assert entry["by"] == entry["actor"]["id"] == "system:anomalies"
    assert (entry["resource"], entry["facts"]["about"]) == ({"id": alert.id, "type": "alert"}, careless.subject)
    withdrawn = [one["source"]["id"] + "/" + one["id"] for one in watched.entries("attachment.withdraw")]
    assert set(entry["causes"]) <= set(withdrawn)
    assert len(entry["causes"]) == 15
    with tenant_scope(watched.tenant_id):
        told = set(Notification.objects.filter(event="alert.raised").values_list("user_id", flat=True))
    assert told == {looks.user_id}


def test_nothing_is_raised_twice_however_often_the_log_is_read(watched: Watched) -> None:
    watched.raised()
    watched.happens("attachment.withdraw", "careless", 20)
    while watched.read_on().read:
        continue
    with tenant_scope(watched.tenant_id):
        services.forget()
    assert watched.read_on().read > 36
    with tenant_scope(watched.tenant_id):
        services.change_settings(watched.standing("looks"), Settings("Asia/Tokyo"))
    while watched.read_on(most=7).read:
        continue
    assert len(watched.alerts()) == len(watched.entries("alert.raise")) == 1


def test_a_round_that_breaks_off_leaves_nothing_and_the_next_finds_the_same(watched: Watched) -> None:
    watched.happens("attachment.withdraw", "careless", 16)

    with transaction.atomic():
        assert watched.read_on().alerts == 1
        transaction.set_rollback(True)
    assert watched.alerts() == []
    assert watched.entries("alert.raise") == []
    # In rounds of five the window is in four of them.
    while watched.read_on(most=5).read:
        continue
    assert len(watched.alerts()) == len(watched.entries("alert.raise")) == 1


def test_two_processes_that_read_at_once_raise_one_alert(watched: Watched) -> None:
    watched.happens("attachment.withdraw", "careless", 16)
    begun, read = threading.Barrier(3), []

    def follow() -> None:
        begun.wait(30)
        try:
            read.append(watched.read_on())
        finally:
            connection.close()

    threads = [threading.Thread(target=follow) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(one.alerts for one in read) == len(watched.alerts()) == len(watched.entries("alert.raise")) == 1


def test_what_programs_report_raises_nothing(watched: Watched) -> None:
    with watched.tenant.client() as client:
        for number in range(40):
            event: dict[str, Any] = {
                "action": "x.attachment.withdraw",
                "actor": {"id": watched.people["careless"].subject, "type": "user"},
                "outcome": "success",
                "resource": {"id": f"thing_{number}", "type": "thing"},
            }
            assert client.post("/api/events", json={"event": event}).status_code == 201
            event["action"] = "exception.approve"
            client.post("/api/events", json={"event": event})
    watched.read_on()
    assert watched.alerts() == []


def test_what_was_long_ago_when_watching_began_is_learned_from_and_not_raised(watched: Watched) -> None:
    watched.happens("attachment.withdraw", "careless", 16)
    later = datetime.now(UTC) + services.ALERTS_BACK + timedelta(days=1)
    assert services.read_on(watched.tenant_id, later).read >= 16
    assert watched.alerts() == []
    with tenant_scope(watched.tenant_id):
        assert Learned.objects.filter(name__startswith="habit removal ").exists()


def test_the_job_catches_up_and_goes_on_after_a_tenant_that_fails(watched: Watched) -> None:
    watched.happens("attachment.withdraw", "careless", 16)
    said = Watching()([watched.tenant_id])
    assert said.endswith("raised 1 alerts")
    with tenant_scope(watched.tenant_id):
        row = Reading.objects.get()
    assert (row.seq, row.alerted) == (row.alerted, row.seq)


def test_a_person_whom_it_is_not_about_acknowledges_once_and_says_why(watched: Watched) -> None:
    alert = watched.raised()

    def acknowledge(name: str, verdict: str = "handled", comment: str = "a clean-up that was announced") -> Any:
        with tenant_scope(watched.tenant_id):
            return services.acknowledge(watched.standing(name), alert.id, verdict=verdict, comment=comment)

    for name, verdict, comment, error, where in (
        ("careless", "handled", "it was me", Refused, "by"),
        ("looks", "handled", " ", Malformed, "comment"),
        ("looks", "fine", "why not", Malformed, "verdict"),
    ):
        with pytest.raises(error) as found:
            acknowledge(name, verdict, comment)
        assert found.value.where == where
    seen = acknowledge("looks")
    assert seen.acknowledged.by == watched.people["looks"].subject
    (entry,) = watched.entries("alert.acknowledge")
    (raised,) = watched.entries("alert.raise")
    assert entry["causes"] == [f"{raised['source']['id']}/{raised['id']}"]
    assert (entry["facts"]["verdict"], entry["actor"]["id"]) == ("handled", watched.people["looks"].subject)
    assert "clean-up" not in str(entry)
    with pytest.raises(Refused):
        acknowledge("looks")
    assert len(watched.entries("alert.acknowledge")) == 1


def test_what_was_expected_is_learned_by_its_entry(watched: Watched) -> None:
    alert = watched.raised()
    name = f"habit removal {watched.people['careless'].subject}"
    with tenant_scope(watched.tenant_id):
        assert sum(Learned.objects.get(name=name).content["held"].popitem()[1]) > 0
        services.acknowledge(watched.standing("looks"), alert.id, verdict="expected", comment="every spring")
    watched.read_on()
    with tenant_scope(watched.tenant_id):
        learned = Learned.objects.get(name=name).content
    assert learned["held"] == {}
    assert [counts[1] for counts in learned["days"].values()] == [16]


@pytest.mark.parametrize("who", ["about", "program", "nobody"])
def test_the_database_refuses_an_acknowledgement_by_whom_it_is_about_or_by_a_program(
    watched: Watched, who: str
) -> None:
    alert = watched.raised()
    by = {"about": watched.people["careless"].subject, "program": "key:ak_1", "nobody": ""}[who]
    with pytest.raises(DatabaseError, match="acknowledged by"), tenant_scope(watched.tenant_id):
        Acknowledgement.objects.create(
            alert=alert.id,
            tenant_id=watched.tenant_id,
            by=by,
            verdict="handled",
            comment="nothing to see",
            at=datetime.now(UTC),
            seq=1,
            event="src/evt",
        )


@pytest.mark.parametrize("change", ["UPDATE {} SET tenant_id = tenant_id", "DELETE FROM {}"])
def test_alerts_and_acknowledgements_are_neither_changed_nor_removed(watched: Watched, change: str) -> None:
    for model in (Alert, Acknowledgement):
        with (
            pytest.raises(DatabaseError, match="permission denied"),
            tenant_scope(watched.tenant_id),
            connection.cursor() as raw,
        ):
            raw.execute(change.format(model._meta.db_table))


def test_the_pages_show_an_alert_and_take_an_acknowledgement(watched: Watched) -> None:
    alert = watched.raised()
    careless, looks = watched.seat("careless"), watched.seat("looks")
    listed = looks.get("/alerts").text
    assert "15 removals by one person" in listed
    assert alert.id not in looks.get("/alerts", state="acknowledged").text
    assert alert.id not in looks.get("/alerts", detector="login-surge").text
    shown = careless.get(f"/alerts/{alert.id}").text
    assert "attachment.withdraw" in shown
    assert "You cannot acknowledge it: the alert is about you" in shown
    page, path = f"/alerts/{alert.id}", f"/alerts/{alert.id}/acknowledge"
    assert looks.submit(path, page, verdict="handled", comment="").status_code == 422
    own = careless.post("/api" + path, verdict="handled", comment="it was me")
    assert (own.status_code, own.json()["field"]) == (422, "by")
    assert looks.submit(path, page, verdict="handled", comment="looked into").status_code in (200, 302)
    shown = looks.get(page).text
    assert "looked into" in shown
    assert "raised an alert" in shown
    assert looks.get("/alerts/alt_nothing").status_code == 404
    assert looks.get("/alerts", cursor="nonsense").status_code == 400


def test_the_api_gives_alerts_by_the_page_and_a_key_acknowledges_none(watched: Watched) -> None:
    alert = watched.raised()
    watched.happens("packet.approve", "looks", 16)
    watched.read_on()
    seat = watched.seat("looks")
    first = seat.get("/api/alerts", limit=1).json()
    second = seat.get("/api/alerts", limit=1, cursor=first["next"]).json()
    assert {one["detector"] for one in (*first["alerts"], *second["alerts"])} == {"approval-spike", "mass-delete"}
    assert (first["open"], second["next"]) == (2, None)
    about = seat.get("/api/alerts", about=watched.people["careless"].subject, state="open").json()["alerts"]
    assert [one["id"] for one in about] == [alert.id]
    assert seat.get("/api/alerts", detector="moon").status_code == 400
    for cursor in ("x", "2026-01-01~", "2026-01-01T00:00:00+00:00~alt\u0661"):
        assert seat.get("/api/alerts", cursor=cursor).json()["field"] == "cursor"
    with client_with(watched.installation.url, watched.tenant.made.tokens["read"]) as program:
        assert program.get(f"/api/alerts/{alert.id}").json()["entry"] == alert.seq
        said = {"verdict": "handled", "comment": "done"}
        assert program.post(f"/api/alerts/{alert.id}/acknowledge", json=said).status_code == 403


def test_an_alert_of_another_tenant_is_not_there(watched: Watched) -> None:
    alert = watched.raised()
    other = watched.installation.tenant()
    person = make_person(watched.installation, other, "administrator")
    with person.signed_in() as client:
        base = f"/t/{other.made.slug}"
        assert client.get(f"{base}/alerts/{alert.id}").status_code == 404
        assert client.get(f"{base}/api/alerts/{alert.id}").status_code == 404
        assert client.get(f"{base}/api/alerts").json()["alerts"] == []


def test_what_is_watched_is_changed_by_a_person_and_recorded(watched: Watched) -> None:
    seat = watched.seat("looks")
    assert seat.get("/api/alert-settings").json()["sensitivity"]["mass-delete"] == "normal"
    wrong = seat.post("/api/alert-settings", "PUT", zone="Mars/Base", sensitivity={})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "zone")
    zone = zone_of_noon()
    said = seat.post("/api/alert-settings", "PUT", zone=zone, sensitivity={"mass-delete": "off"})
    assert said.json()["sensitivity"]["mass-delete"] == "off"
    *_, entry = watched.entries("tenant.settings")
    assert entry["facts"]["changed"] == "anomalies_mass-delete"
    watched.happens("attachment.withdraw", "careless", 40)
    watched.read_on()
    assert watched.alerts() == []
    page = seat.get("/alerts/settings").text
    assert zone in page
    fields = dict.fromkeys(("approval-spike", "mass-delete", "off-hours", "login-surge", "self-dealing"), "high")
    assert seat.submit("/alerts/settings", "/alerts/settings", zone="Moon", **fields).status_code == 422
    assert seat.submit("/alerts/settings", "/alerts/settings", zone="UTC", **fields).status_code in (200, 302)
    assert set(seat.get("/api/alert-settings").json()["sensitivity"].values()) == {"high"}


def test_what_is_watched_asks_for_a_fresh_second_factor(watched: Watched) -> None:
    def grow_old(data: Any) -> None:
        for one in data["account_authentication_methods"]:
            one["at"] -= 3_600

    seat = watched.seat("looks")
    session_edit(watched.installation, seat.client, grow_old)
    answer = seat.post("/api/alert-settings", "PUT", zone="UTC", sensitivity={"mass-delete": "off"})
    assert answer.json()["type"].endswith(":step-up-needed")
    page = seat.submit("/alerts/settings", "/alerts", zone="UTC")
    assert "step-up" in str(page.url) or "step-up" in page.headers.get("location", "")
    assert seat.get("/api/alert-settings").json()["sensitivity"]["mass-delete"] == "normal"
