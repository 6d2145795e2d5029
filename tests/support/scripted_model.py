"""A model that plays a script, over the HTTP that OpenAI-, Anthropic- and Gemini-compatible clients speak.

    with ScriptedModel(Answer(calls=(Call("add", {"a": 1, "b": 2}),)), Answer("3")) as model:
        ...  # a program whose client has model.openai (or model.anthropic, model.gemini) as its base URL

Each request takes the first unused answer whose `when` occurs in the request's body; an answer without `when` fits
every request. A request that no answer fits gets status 400, and `model.surprises` names it. What was asked is in
`model.requests`.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from tests.support import scripted_answers as wire

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """A tool call that the model asks for; without an id it gets one of its own."""

    name: str
    arguments: Json | str = field(default_factory=dict)
    id: str = ""


@dataclass(frozen=True)
class Answer:
    """What the model answers.

    Attributes:
        text: the words, if any.
        calls: the tool calls asked for.
        when: text that must occur in the request's body.
        status: an HTTP status other than 200 is answered as an error with `text` as its message.
        cut: the connection dies in the middle of the answer.
        hold: the answer is held back until the model closes, as if the model thought forever.
        tokens: in, out.
        repeat: the answer is not used up.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    when: str = ""
    status: int = 200
    cut: bool = False
    hold: bool = False
    tokens: tuple[int, int] = (11, 7)
    repeat: bool = False


@dataclass(frozen=True)
class Asked:
    """One request: path, headers (lower case), body, and the parsed body."""

    path: str
    headers: dict[str, str]
    body: bytes
    json: Json


class ScriptedModel:
    """The server, on a port of its own; a context manager.

    Attributes:
        requests: what was asked, in order.
        surprises: paths of requests that no answer fitted.
        asked: is set with the first request, for tests that cancel what waits for an answer.
    """

    def __init__(self, *answers: Answer, name: str = "scripted-1") -> None:
        self.name = name
        self.requests: list[Asked] = []
        self.surprises: list[str] = []
        self.asked = threading.Event()
        self._answers = list(answers)
        self._calls = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def openai(self) -> str:
        """Base URL for an OpenAI client: chat completions and responses."""
        return f"{self.url}/v1"

    @property
    def anthropic(self) -> str:
        """Base URL for an Anthropic client: messages."""
        return self.url

    @property
    def gemini(self) -> str:
        """Base URL for a google-genai client: generateContent, streamGenerateContent."""
        return self.url

    def script(self, *answers: Answer) -> None:
        """Add answers."""
        with self._lock:
            self._answers.extend(answers)

    def close(self) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # Used by the handler.

    def take(self, asked: Asked) -> Answer | None:
        with self._lock:
            self.requests.append(asked)
            text = asked.body.decode("utf-8", "replace")
            for place, answer in enumerate(self._answers):
                if answer.when in text:
                    return answer if answer.repeat else self._answers.pop(place)
            self.surprises.append(asked.path)
        return None

    def named(self, answer: Answer) -> list[tuple[str, str, str]]:
        """The calls of an answer as (id, name, arguments as JSON text)."""
        named = []
        for call in answer.calls:
            with self._lock:
                self._calls += 1
                number = self._calls
            arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
            named.append((call.id or f"call_{number:04}", call.name, arguments))
        return named

    def wait_for_the_end(self) -> None:
        self._closing.wait(60)


def _handler_of(model: ScriptedModel) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            try:
                parsed = json.loads(body)
            except ValueError:
                parsed = {}
            asked = Asked(self.path, {key.lower(): value for key, value in self.headers.items()}, body, parsed)
            answer = model.take(asked)
            model.asked.set()
            if answer is None:
                self._send(400, {"error": {"message": "the script has no answer for this", "type": "surprise"}})
                return
            if answer.hold:
                model.wait_for_the_end()
                self.close_connection = True
                return
            if answer.status != 200:
                self._send(answer.status, {"type": "error", "error": {"message": answer.text, "type": "scripted"}})
                return
            spoken = wire.Spoken(model.name, answer.text, tuple(model.named(answer)), answer.tokens)
            spec = wire.of(self.path, parsed)
            if spec is None:
                self._send(404, {"error": {"message": f"no such path: {self.path}"}})
            elif spec.streamed:
                self._stream(spec.stream(spoken), answer.cut)
            elif answer.cut:
                self._cut(json.dumps(spec.whole(spoken)).encode())
            else:
                self._send(200, spec.whole(spoken))

        def do_GET(self) -> None:
            self._send(200, {"object": "list", "data": [{"id": model.name, "object": "model"}]})

        def _send(self, status: int, value: Json) -> None:
            data = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, chunks: Iterator[bytes], cut: bool) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            every = list(chunks)
            for chunk in every[: len(every) // 2] if cut else every:
                self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
                self.wfile.flush()
            if cut:
                self._hang_up()
            else:
                self.wfile.write(b"0\r\n\r\n")

        def _cut(self, data: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            self._hang_up()

        def _hang_up(self) -> None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    return Handler
