"""How much one log may hold of the ingest's memory."""

import asyncio
from collections.abc import Sequence

import orjson

from muniment.server.credentials import Credential
from muniment.server.ingest.application import MAX_IN_FLIGHT_A_LOG, Answer, IngestApplication, Submitter
from muniment.server.ingest.asgitypes import Message
from muniment.server.ingest.submission import Draft
from muniment.server.problems import Problem
from tests.server.events import event

LIMIT = 16 << 20
KEYS = {1: "mk_01KAY9M2Z7Q4WXYH3J8V5T6R0C_" + "A" * 43, 2: "mk_01KAY9M2Z7Q4WXYH3J8V5T6R0D_" + "A" * 43}


class Ledger:
    """Records nothing and says that it did; the two keys belong to two logs."""

    async def authenticate(self, credential: Credential) -> Submitter | None:
        log_id = 1 if credential.key_id.endswith("C") else 2
        return Submitter(credential.key_id, credential.secret_hash, log_id, "append", "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C")

    async def record(self, submitter: Submitter, drafts: Sequence[Draft]) -> Sequence[Answer | Problem]:
        return [Answer({"seq": submitter.log_id}, known=False) for _ in drafts]


async def ask(application: IngestApplication, log_id: int, release: asyncio.Event) -> int:
    """Announce the largest body there is, and send a small one once released."""
    status = [0]

    async def receive() -> Message:
        await release.wait()
        return {"type": "http.request", "body": orjson.dumps({"event": event()}), "more_body": False}

    async def send(message: Message) -> None:
        status[0] = message.get("status", status[0])

    headers = [
        (b"authorization", f"Bearer {KEYS[log_id]}".encode()),
        (b"content-type", b"application/json"),
        (b"content-length", str(LIMIT).encode()),
    ]
    await application({"type": "http", "method": "POST", "headers": headers}, receive, send)
    return status[0]


async def test_a_log_that_keeps_many_requests_open_is_turned_away_and_others_are_served() -> None:
    application, release = IngestApplication(Ledger(), LIMIT), asyncio.Event()
    room = MAX_IN_FLIGHT_A_LOG // LIMIT
    held = [asyncio.ensure_future(ask(application, 1, release)) for _ in range(room)]
    await asyncio.sleep(0)
    refused = await ask(application, 1, release)
    other = asyncio.ensure_future(ask(application, 2, release))
    release.set()
    assert refused == 503
    assert await asyncio.gather(*held, other) == [201] * (room + 1)
    assert await ask(application, 1, release) == 201
