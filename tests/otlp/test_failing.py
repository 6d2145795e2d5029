"""What exporters live through: a database that dies, a server that is asked for too much at once."""

import socket
import time
from urllib.parse import urlsplit

import httpx
import pytest

from tests.otlp.conftest import Ledger
from tests.otlp.spans import span, traces
from tests.support.installations import installation, printed_key

MODEL = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}


def test_while_the_database_is_away_exporters_are_told_to_send_again_and_nothing_is_recorded_twice() -> None:
    with installation() as made:
        said = made.up()
        url, key, reading = made.server().url, printed_key(said, "append"), printed_key(said, "read")
        headers = {"x-muniment-key": key, "content-type": "application/x-protobuf"}
        sent = traces(*(span(f"{number}", MODEL) for number in range(100))).SerializeToString()
        made.kill_database()
        statuses = []
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            answer = httpx.post(f"{url}/v1/traces", content=sent, headers=headers, timeout=60, trust_env=False)
            statuses.append(answer.status_code)
            if answer.status_code == 200:
                break
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) >= 1
        assert statuses[-1] == 200
        assert answer.content == b""
        read = {"authorization": f"Bearer {reading}"}
        query = {"action": "model.*", "limit": "1000"}
        entries = httpx.get(f"{url}/api/entries", params=query, headers=read, timeout=60, trust_env=False).json()[
            "entries"
        ]
        assert len(entries) == 200


def test_bodies_beyond_what_is_held_at_one_time_are_put_off_and_room_comes_back(ledger: Ledger) -> None:
    where = urlsplit(ledger.url)
    declared = (
        f"POST /v1/traces HTTP/1.1\r\nhost: x\r\nx-muniment-key: {ledger.key}\r\n"
        f"content-type: application/x-protobuf\r\ncontent-length: {2 << 20}\r\n\r\n\n"
    ).encode()
    held = [socket.create_connection((where.hostname, where.port)) for _ in range(24)]
    sent = traces(span("x")).SerializeToString()
    try:
        for connection in held:
            connection.sendall(declared)
        answer = until(503, ledger, sent)
        assert answer.headers["retry-after"] == "1"
    finally:
        for connection in held:
            connection.close()
    until(200, ledger, sent)


def until(status: int, ledger: Ledger, sent: bytes) -> httpx.Response:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = ledger.post(sent)
        if answer.status_code == status:
            return answer
    pytest.fail(f"never answered with {status}")
