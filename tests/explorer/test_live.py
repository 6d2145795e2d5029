"""The stream of new rows: who may hear it, what it tells, and how it ends."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import psycopg
import pytest
from django.core import signing
from psycopg import Connection

from muniment.server.access.standing import Standing
from muniment.server.explorer.live import Hub
from muniment.server.websecret import web_secret
from tests.explorer.conftest import Installation, Reader, reading
from tests.support.installations import wait_for
from tests.support.people import make_person
from tests.support.servers import Tenant


class Stream:
    """A stream that is being read in a thread; its events in order."""

    def __init__(self, reader: Reader, query: str = "", **headers: str) -> None:
        self.events: list[tuple[str, dict[str, object], str]] = []
        self.ended = threading.Event()
        self.client = httpx.Client(verify=False, timeout=60, trust_env=False, cookies=reader.client.cookies)
        self._request = self.client.build_request("GET", reader.address(f"/ledger/live?{query}"), headers=headers)
        self.response = self.client.send(self._request, stream=True)
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self) -> None:
        kept: dict[str, str] = {}
        try:
            for line in self.response.iter_lines():
                name, colon, value = line.partition(": ")
                if colon and name:
                    kept[name] = value
                elif not line:
                    if "event" in kept:
                        self.events.append((kept["event"], json.loads(kept["data"]), kept.get("id", "")))
                    kept = {}
        except httpx.TransportError as error:
            kept["event"] = repr(error)
        finally:
            self.ended.set()

    def told(self, name: str) -> list[dict[str, object]]:
        return [value for found, value, _ in self.events if found == name]

    def close(self) -> None:
        self.client.close()


@contextmanager
def streaming(reader: Reader, query: str = "", **headers: str) -> Iterator[Stream]:
    stream = Stream(reader, query, **headers)
    try:
        yield stream
    finally:
        stream.close()


def rows(stream: Stream) -> str:
    return "".join(str(value["html"]) for value in stream.told("rows"))


def test_new_entries_are_told_as_rows_and_a_checkpoint_closes_their_seals(
    installation: Installation, reader: Reader
) -> None:
    with streaming(reader) as stream:
        assert stream.response.headers["content-type"].startswith("text/event-stream")
        assert stream.response.headers["cache-control"] == "no-store"
        wait_for(lambda: bool(stream.told("standing")), "the first standing", 15)
        seq, _ = reader.record(tool="<script>x</script>")
        wait_for(lambda: f'data-seq="{seq}"' in rows(stream), "the new row", 15)
        assert "<script>" not in rows(stream)
        assert "seal-recorded" in rows(stream)
        assert str(seq) in [number for name, _, number in stream.events if name == "rows"]
        installation.seal()
        wait_for(lambda: any(told["sealed"] == seq + 1 for told in stream.told("standing")), "the closing seal", 15)


def test_only_what_was_asked_for_is_told(reader: Reader) -> None:
    with streaming(reader, "tool=wanted&outcome=denied") as stream:
        wait_for(lambda: bool(stream.told("standing")), "the first standing", 15)
        reader.record(tool="wanted")
        reader.record(tool="other", outcome="denied")
        seq, _ = reader.record(tool="wanted", outcome="denied")
        wait_for(lambda: f'data-seq="{seq}"' in rows(stream), "the wanted row", 15)
        assert rows(stream).count("<tr") == 1


def test_a_stream_goes_on_after_the_last_event_that_was_heard(reader: Reader) -> None:
    missed = [reader.record()[0] for _ in range(3)]
    with streaming(reader, **{"Last-Event-ID": str(missed[0])}) as stream:
        wait_for(lambda: f'data-seq="{missed[2]}"' in rows(stream), "what was missed", 15)
        assert f'data-seq="{missed[1]}"' in rows(stream)
        assert f'data-seq="{missed[0]}"' not in rows(stream)


def test_of_a_flood_the_newest_are_told_and_the_others_counted(reader: Reader) -> None:
    before = reader.size() - 1
    reader.record_many(400)
    with streaming(reader, f"after={before}") as stream:
        wait_for(lambda: bool(stream.told("rows")), "the rows", 15)
        told = stream.told("rows")[0]
    assert (told["count"], told["shown"], told["skipped"]) == (200, 50, 200)


def test_without_a_session_there_is_no_stream(reader: Reader) -> None:
    with httpx.Client(verify=False, timeout=20, trust_env=False) as stranger:
        answer = stranger.get(reader.address("/ledger/live"))
    assert answer.status_code == 302
    assert "/account/login" in answer.headers["location"]


def test_a_member_of_another_tenant_hears_nothing(installation: Installation, tenant: Tenant) -> None:
    with reading(installation, tenant) as someone, reading(installation, installation.tenant()) as stranger:
        assert stranger.client.get(f"/t/{someone.slug}/ledger/live").status_code == 404
        with streaming(stranger) as stream:
            wait_for(lambda: bool(stream.told("standing")), "the first standing", 15)
            someone.record(tool="only-here")
            seq, _ = stranger.record(tool="theirs")
            wait_for(lambda: f'data-seq="{seq}"' in rows(stream), "their own row", 15)
            assert "only-here" not in rows(stream)


def test_one_person_has_six_streams_and_gets_a_place_back_when_one_ends(reader: Reader) -> None:
    with ExitStack() as stack:
        streams = [stack.enter_context(streaming(reader)) for _ in range(6)]
        assert [stream.response.status_code for stream in streams] == [200] * 6
        refused = reader.get("/ledger/live")
        assert refused.status_code == 429
        assert "retry-after" in refused.headers
        # The streams keep no connection of the pool, which has eight: pages are answered as before.
        assert reader.get("/ledger").status_code == 200
        streams[0].close()

        def opens() -> bool:
            with streaming(reader) as another:
                return another.response.status_code == 200

        # That nobody listens is noticed at the next heartbeat at the latest.
        wait_for(opens, "a place for another stream", 60)


def test_a_filter_that_cannot_be_read_is_refused_before_anything_is_streamed(resident: Reader) -> None:
    assert resident.get("/ledger/live?trace=zz").status_code == 400


@dataclass(frozen=True)
class Unreachable:
    """A log whose database does not answer."""

    log_id: int

    def transaction(self) -> AbstractContextManager[Connection[Any]]:
        raise psycopg.OperationalError("nothing to be read here")


def looking() -> int:
    """How many look at logs now: each is a task."""
    return len(asyncio.all_tasks()) - 1


async def test_many_watchers_of_a_log_cost_one_look_at_a_time() -> None:
    hub, one, other = Hub(), cast("Standing", Unreachable(1)), cast("Standing", Unreachable(2))
    viewers = [hub.join(one) for _ in range(6)]
    stranger = hub.join(other)
    assert looking() == 2
    # A database that does not answer ends no watching.
    await asyncio.sleep(0.05)
    assert looking() == 2
    for viewer in viewers[1:]:
        await hub.leave(one, viewer)
    assert looking() == 2
    await hub.leave(one, viewers[0])
    await hub.leave(other, stranger)
    assert looking() == 0


def _age(tenant: Tenant, reader: Reader, name: str, seconds: int) -> None:
    """Set back one of the times that stand in a session, as if so much time had gone by."""
    session = reader.client.cookies["muniment_session"]
    signer = signing.TimestampSigner(
        key=web_secret(tenant.installation.places.keys),
        salt="django.contrib.sessions.SessionStore",
        fallback_keys=[],
    )
    with tenant.in_database() as raw:
        row = raw.execute("SELECT session_data FROM django.django_session WHERE session_key = %s", [session]).fetchone()
        assert row is not None
        held = signer.unsign_object(row[0], serializer=signing.JSONSerializer)
        held[name] -= seconds
        sealed = signer.sign_object(held, serializer=signing.JSONSerializer, compress=True)
        raw.execute("UPDATE django.django_session SET session_data = %s WHERE session_key = %s", [sealed, session])


def _end_session(tenant: Tenant, reader: Reader) -> None:
    with tenant.in_database() as raw:
        session = reader.client.cookies["muniment_session"]
        raw.execute("DELETE FROM django.django_session WHERE session_key = %s", [session])


def _end_membership(tenant: Tenant, reader: Reader) -> None:
    with tenant.in_database() as raw:
        raw.execute("DELETE FROM django.members_membership WHERE user_id = %s", [reader.person.user_id])


def _demand_provider(tenant: Tenant, _reader: Reader) -> None:
    with tenant.in_database() as raw:
        raw.execute(
            "INSERT INTO django.sso_policy (tenant_id, enforced, changed_at) VALUES (%s, true, now())",
            [tenant.made.tenant_id],
        )


ENDS: dict[str, Callable[[Tenant, Reader], None]] = {
    "the session": _end_session,
    "the membership": _end_membership,
    "two idle hours": lambda tenant, reader: _age(tenant, reader, "muniment_seen", 3 * 3600),
    "twelve hours": lambda tenant, reader: _age(tenant, reader, "muniment_until", 13 * 3600),
    "a provider that the tenant demands": _demand_provider,
}


@pytest.fixture(scope="module")
def watched(installation: Installation) -> Iterator[dict[str, Stream]]:
    """Streams of people in tenants of their own, all of whose right to listen ends now but that of "nobody"."""
    with ExitStack() as stack:
        told = {}
        for name in (*ENDS, "nobody"):
            tenant = installation.tenant()
            reader = stack.enter_context(reading(installation, tenant))
            told[name] = (tenant, reader, stack.enter_context(streaming(reader)))
        for name, (tenant, reader, stream) in told.items():
            wait_for(lambda stream=stream: bool(stream.told("standing")), "the first standing", 15)  # type: ignore[misc]
            if name != "nobody":
                ENDS[name](tenant, reader)
        yield {name: stream for name, (_tenant, _reader, stream) in told.items()}


@pytest.mark.parametrize("name", ENDS)
def test_a_stream_ends_with_what_it_rests_on(watched: dict[str, Stream], name: str) -> None:
    # It is asked every half minute, and at the next thing that is told.
    assert watched[name].ended.wait(60)
    assert watched[name].told("bye")


def test_a_stream_whose_right_stands_goes_on(watched: dict[str, Stream]) -> None:
    assert all(watched[name].ended.wait(60) for name in ENDS)
    assert not watched["nobody"].ended.is_set()


def test_of_what_is_recorded_after_the_end_of_a_membership_nothing_is_told(
    installation: Installation, tenant: Tenant
) -> None:
    with reading(installation, tenant) as recorder, tenant.in_database() as raw:
        auditor = make_person(installation, tenant, "auditor", until=str(datetime.now(UTC) + timedelta(seconds=8)))
        with auditor.signed_in() as client, streaming(Reader(tenant, auditor, client)) as stream:
            wait_for(lambda: bool(stream.told("standing")), "the first standing", 6)
            raw.execute(
                "SELECT pg_sleep_until(until) FROM django.members_membership WHERE user_id = %s", [auditor.user_id]
            )
            recorder.record(tool="after-the-end")
            assert stream.ended.wait(20)
            assert stream.told("bye")
            assert "after-the-end" not in rows(stream)
