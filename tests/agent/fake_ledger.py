"""A small, strict ledger behind HTTP, for the shipper's tests: it keeps the contract, or breaks it on request."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from muniment.catalogs.actions import is_registered
from muniment.core.body import check_body
from muniment.core.entry import entry_hash
from muniment.core.errors import MunimentError
from muniment.core.event import event_from_mapping
from tests.verifier.logbook import Logbook

KEY = "mk_01KAY9M2Z7Q4WXYH3J8V5T6R0C_" + "s" * 43
KEY_ID = "ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C"


@dataclass
class FakeLedger:
    """One log; seals after every append unless told otherwise."""

    log: Logbook = field(default_factory=Logbook)
    url: str = ""
    down: bool = False
    sealing: bool = True
    requests: list[str] = field(default_factory=list)
    seen: dict[tuple[str, str], tuple[int, bytes]] = field(default_factory=dict)
    bodies: dict[int, bytes] = field(default_factory=dict)
    refuse: Callable[[dict[str, object]], str | None] = lambda _: None
    lie: Callable[[dict[str, object]], dict[str, object]] = lambda receipt: receipt
    swap: Callable[[list[int]], list[int]] = lambda seqs: seqs
    served: Logbook | None = None
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        self.log.append(1)
        self.log.seal()

    @property
    def events(self) -> list[bytes]:
        """Texts of the events recorded, in order, without entry 0."""
        return [json.dumps(json.loads(text)["event"]).encode() for text in self.log.texts[1:]]

    def parsed(self) -> list[dict[str, object]]:
        return [json.loads(text)["event"] for text in self.log.texts[1:]]

    def append(self, data: bytes) -> tuple[int, dict[str, object]]:
        results = [self._one(json.loads(line), index) for index, line in enumerate(data.splitlines())]
        if self.sealing:
            self.log.seal()
        refused = sum("type" in result for result in results)
        return (201 if not refused else 207 if refused < len(results) else 422), {"results": results}

    def _one(self, submission: dict[str, object], index: int) -> dict[str, object]:
        def problem(kind: str, detail: str, name: str) -> dict[str, object]:
            urn = f"urn:muniment:problem:{kind}"
            return {"type": urn, "title": kind, "status": 422, "index": index, "field": name, "detail": detail}

        assert set(submission) <= {"event", "body", "salt"}, submission.keys()
        assert ("body" in submission) == ("salt" in submission), "a salt without its body, or the other way round"
        fields = submission["event"]
        assert isinstance(fields, dict)
        try:
            event = event_from_mapping(fields)
            if not is_registered(event.action):
                return problem("unknown-action", "not registered", "action")
            if "body" in submission:
                assert event.body is not None
                body, salt = (base64.b64decode(str(submission[key]), validate=True) for key in ("body", "salt"))
                check_body(event.body.commit, event.body.len, salt, body)
        except MunimentError as error:
            return problem("invalid-event", error.reason, error.where or "event")
        if reason := self.refuse(fields):
            return problem("refused-event", reason, "event")
        key = (event.source.id, event.id)
        if key not in self.seen:
            self.seen[key] = (len(self.log.texts), event.text())
            if "body" in submission:
                self.bodies[len(self.log.texts)] = base64.b64decode(str(submission["body"]))
            self.log.add(event)
        seq, text = self.seen[key]
        if text != event.text():
            return problem("event-conflict", "recorded already with other content", "event.id")
        return self.lie(
            {
                "v": 1,
                "state": "recorded",
                "log": self.log.origin,
                "id": event.id,
                "seq": seq,
                "entry_hash": entry_hash(self.log.texts[seq]).hex(),
                "recorded_at": "2026-03-01T14:23:07.847291Z",
                "seal_by": "2026-03-01T14:24:07.847291Z",
            }
        )

    def bundle(self, question: dict[str, object]) -> bytes | None:
        assert set(question) <= {"seqs", "since", "bodies"}, question.keys()
        log = self.served or self.log
        seqs = question["seqs"]
        assert isinstance(seqs, list)
        assert seqs == sorted(set(seqs))
        last = max(log.checkpoints)
        since = question.get("since")
        if seqs[-1] >= last or (isinstance(since, int) and since > last):
            return None
        show = self.swap(seqs)
        cuts = [since] if isinstance(since, int) else []
        checkpoints, log.checkpoints = log.checkpoints, {last: log.checkpoints[last]}
        try:
            return log.bundle(show=show, bodies=False, boundaries=cuts)
        finally:
            log.checkpoints = checkpoints


_NOT_SEALED = b'{"type":"urn:muniment:problem:not-sealed","title":"x","status":409,"detail":"does not reach that far"}'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    ledger: FakeLedger

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        ledger = self.ledger
        with ledger.lock:
            ledger.requests.append(self.path)
            if ledger.down:
                self._answer(
                    503, b'{"type":"urn:muniment:problem:unavailable","title":"down","status":503,"detail":"down"}'
                )
            elif self.headers["authorization"] != f"Bearer {KEY}":
                self._answer(
                    401, b'{"type":"urn:muniment:problem:unauthenticated","title":"no","status":401,"detail":"no"}'
                )
            elif self.path == "/api/events":
                assert self.headers["content-type"] == "application/x-ndjson"
                status, document = ledger.append(data)
                self._answer(status, json.dumps(document).encode())
            elif self.path == "/api/bundles":
                bundle = ledger.bundle(json.loads(data))
                self._answer(*((200, bundle) if bundle is not None else (409, _NOT_SEALED)))
            else:
                self._answer(404, b"{}")

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class RunningLedger:
    """A fake ledger on a free port of the loopback interface."""

    def __init__(self) -> None:
        self.ledger = FakeLedger()
        handler = type("Handler", (_Handler,), {"ledger": self.ledger})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.ledger.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
