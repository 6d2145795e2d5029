"""The official exporter in a process of its own, a server as `muniment up` starts it, and proof of what it recorded."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from muniment.verifier.standalone import muniment_verify as standalone
from tests.support.installations import Installation, installation, printed_key
from tests.support.scripted_model import Answer, Call, ScriptedModel

# Nothing here names a server or a key: the exporter's own environment variables do.
AGENT = """
import sys
from opentelemetry import trace
from opentelemetry._logs import LogRecord
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("agent")
events = LoggerProvider()
events.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))

def run(attributes, **more):
    return tracer.start_as_current_span("work", attributes=attributes, **more)

with run({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "lead"}):
    with run({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}) as call:
        call.set_attribute("gen_ai.usage.input_tokens", 7)
    try:
        with run({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "fails"}):
            raise TimeoutError("too slow")
    except TimeoutError:
        pass
    with run({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "big"}) as call:
        call.set_attribute("gen_ai.tool.call.result", "r" * int(sys.argv[1]))
    events.get_logger("agent").emit(LogRecord(event_name="agent.paused", attributes={"why": "tea"}))
provider.shutdown()
events.shutdown()
"""

# An agent with the framework's own instrumentation, and the exporter as every manual sets it up.
FRAMEWORK = """
import sys
from openai import AsyncOpenAI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
Agent.instrument_all()
client = AsyncOpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
agent = Agent(OpenAIChatModel("gpt-x", provider=OpenAIProvider(openai_client=client)), name="adder")

@agent.tool_plain
def add(a: int, b: int) -> int:
    return a + b

print(agent.run_sync("what is 1 and 2?").output)
provider.shutdown()
"""


class Running:
    """An installation that is up, with its first keys."""

    def __init__(self, made: Installation) -> None:
        said = made.up()
        self.key, self.reading = printed_key(said, "append"), printed_key(said, "read")
        self.url = made.server().url

    def agent(self, result: int, **environment: str) -> str:
        return self.program(AGENT, str(result), **{"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, **environment}).stderr

    def program(self, text: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program whose environment says nothing about OpenTelemetry or us but this."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "MUNIMENT_"))}
        done = subprocess.run(
            [sys.executable, "-c", text, *arguments],
            env={**clean, **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        return done

    def ask(self, path: str, **query: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.reading}"}
        return httpx.get(f"{self.url}{path}", params=query, headers=headers, timeout=60, trust_env=False)

    def trace(self, service: str) -> list[dict[str, Any]]:
        found = [
            row["entry"]["event"] | {"seq": row["seq"]}
            for row in self.ask("/api/entries", order="oldest").json()["entries"]
        ]
        named = [
            event
            for event in found
            if event["actor"]["id"].endswith(f":{service}") or f"service={service}" in event.get("labels", ())
        ]
        assert len({event["trace"]["id"] for event in named}) == 1
        return named


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with installation() as made:
        yield Running(made)


def test_an_agent_that_only_sets_environment_variables_is_recorded_and_its_bundle_verifies(
    running: Running, tmp_path: Path
) -> None:
    said = running.agent(
        10_000_000,
        OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer%20{running.key}",
        OTEL_SERVICE_NAME="plain",
    )
    assert said == ""
    events = sorted(running.trace("plain"), key=lambda event: event["action"] == "x.otel.log")
    assert [event["action"] for event in events] == [
        "agent.start", "model.invoke", "model.result", "tool.call", "tool.result", "tool.call", "tool.result",
        "agent.finish", "x.otel.log",
    ]  # fmt: skip
    start = f"{events[0]['source']['id']}/{events[0]['id']}"
    assert [event.get("causes") for event in events if event["action"] in ("model.invoke", "tool.call")] == [
        [start]
    ] * 3
    assert [event["outcome"] for event in events if event["action"] == "tool.result"] == ["failure", "success"]
    result = running.ask(f"/api/entries/{events[6]['seq']}/body").json()
    assert result["attributes"]["gen_ai.tool.call.result"]["len"] == 10_000_000
    exception = running.ask(f"/api/entries/{events[4]['seq']}/body").json()["events"][0]
    assert exception["attributes"]["exception.message"] == "too slow"

    last = max(event["seq"] for event in events)
    assert running.ask(f"/api/entries/{last}/proof", wait="seal").status_code == 200
    order = {"seqs": [event["seq"] for event in events], "bodies": True}
    bundle = httpx.post(
        f"{running.url}/api/bundles", json=order, headers={"authorization": f"Bearer {running.reading}"},
        timeout=60, trust_env=False,
    )  # fmt: skip
    file = tmp_path / "trace.bundle"
    file.write_bytes(bundle.content)
    checked = subprocess.run([sys.executable, "-m", "muniment", "verify", str(file)], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    alone = subprocess.run([sys.executable, str(standalone.__file__), str(file)], capture_output=True, text=True)
    assert alone.returncode == 0, alone.stdout + alone.stderr


def test_an_exporter_that_compresses_and_can_only_set_plain_headers_is_recorded(running: Running) -> None:
    said = running.agent(
        10,
        OTEL_EXPORTER_OTLP_HEADERS=f"x-muniment-key={running.key}",
        OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        OTEL_SERVICE_NAME="packed",
    )
    assert said == ""
    assert len(running.trace("packed")) == 9


def test_an_exporter_with_a_wrong_key_is_told_so(running: Running) -> None:
    said = running.agent(10, OTEL_EXPORTER_OTLP_HEADERS="x-muniment-key=mk_wrong", OTEL_SERVICE_NAME="stranger")
    assert "401" in said


def test_a_framework_that_is_given_one_variable_and_nothing_else_is_recorded(running: Running) -> None:
    address = running.url.replace("http://", f"http://muniment:{running.key}@")
    with ScriptedModel(Answer(calls=(Call("add", {"a": 1, "b": 2}),)), Answer("three")) as model:
        done = running.program(FRAMEWORK, model.openai, OTEL_EXPORTER_OTLP_ENDPOINT=address)
    assert (done.stdout, done.stderr) == ("three\n", "")
    events = running.trace("adder")
    assert [(event["action"], event["outcome"]) for event in events] == [
        ("agent.start", "unknown"),
        *[("model.invoke", "unknown"), ("model.result", "success")],
        *[("tool.call", "unknown"), ("tool.result", "success")],
        *[("model.invoke", "unknown"), ("model.result", "success")],
        ("agent.finish", "success"),
    ]
    assert {event["actor"]["id"] for event in events} == {"agent:adder"}
    assert {event["tool"] for event in events if event["action"].startswith("tool.")} == {"add"}
    assert "model.tokens.in=11" in events[2]["labels"]
    start = f"{events[0]['source']['id']}/{events[0]['id']}"
    assert [event.get("causes") for event in events if event["action"] in ("model.invoke", "tool.call")] == [
        [start]
    ] * 3
