"""The model of the demonstration: no weights, one script for each agent, over the API that both frameworks speak."""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

_TOKENS: Final = {"prompt_tokens": 61, "completion_tokens": 17, "total_tokens": 78}


@dataclass(frozen=True, slots=True)
class Say:
    """One answer: words, or a tool to be called with arguments."""

    text: str = ""
    tool: str = ""
    arguments: str = "{}"


def call(tool: str, **arguments: object) -> Say:
    """An answer that asks for a tool."""
    return Say(tool=tool, arguments=json.dumps(arguments))


@contextmanager
def playing(scripts: Mapping[str, Sequence[Say]]) -> Iterator[str]:
    """Serve chat completions on loopback.

    Args:
        scripts: the answers of each model, by its name, in the order in which they are given.

    Yields:
        The base URL for a client. A model without a script, and one asked too often, answers with status 400.
    """
    waiting = {name: list(answers) for name, answers in scripts.items()}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answers = waiting.get(asked.get("model"), [])
            if answers:
                self._answer(200, _completion(asked["model"], answers.pop(0)))
            else:
                self._answer(400, {"error": {"message": "the script says nothing here", "type": "invalid_request"}})

        def _answer(self, status: int, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """The demonstration prints what matters itself."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()


def _completion(model: str, say: Say) -> dict[str, Any]:
    """Source: OpenAI API reference, the chat completion object."""
    message: dict[str, Any] = {"role": "assistant", "content": say.text or None, "refusal": None}
    if say.tool:
        function = {"name": say.tool, "arguments": say.arguments}
        message["tool_calls"] = [{"id": f"call_{say.tool}", "type": "function", "function": function}]
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if say.tool else "stop", "logprobs": None}
    return {
        "id": "chatcmpl-demo",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": model,
        "choices": [choice],
        "usage": _TOKENS,
    }
