"""What MCP messages say about themselves: names and versions of the two sides, and how a request ended."""

import json
from typing import Final

from muniment.agent.cause import META_CAUSE
from muniment.core.identifiers import EVENT_REFERENCES

META: Final = "io.modelcontextprotocol/"


def meta_of(params: dict[str, object]) -> dict[str, object]:
    """The `_meta` of a message's parameters; empty where there is none."""
    meta = params.get("_meta")
    return meta if isinstance(meta, dict) else {}


def params_of(value: dict[str, object]) -> dict[str, object]:
    """The parameters of a message; empty where there are none, or what is there is no object."""
    params = value.get("params")
    return params if isinstance(params, dict) else {}


def cause_in(meta: dict[str, object]) -> tuple[str, ...]:
    """The event that `_meta` names as the cause, if it names one."""
    cause = meta.get(META_CAUSE)
    return (cause,) if isinstance(cause, str) and EVENT_REFERENCES.fullmatch(cause) else ()


def written_id(identifier: object) -> str:
    """An id as JSON says it; nearly all are small integers."""
    return str(identifier) if type(identifier) is int else json.dumps(identifier)


def named(info: object) -> str | None:
    """`<name> <version>` of an `Implementation`."""
    return f"{info.get('name', '')} {info.get('version', '')}".strip() if isinstance(info, dict) else None


def client_facts(params: dict[str, object]) -> dict[str, object]:
    """What an `initialize` request, or the `_meta` of any request since 2026-07-28, says about the client."""
    meta = meta_of(params)
    labels: dict[str, object] = {}
    if version := meta.get(f"{META}protocolVersion"):
        labels["mcp.protocol"] = version
    client = named(params.get("clientInfo") or meta.get(f"{META}clientInfo"))
    if client is not None:
        labels["mcp.client"] = client
    return labels


def server_facts(result: dict[str, object]) -> dict[str, object]:
    """What an answer to `initialize` or `server/discover` says about the server."""
    server = named(result.get("serverInfo") or meta_of({"_meta": result.get("_meta")}).get(f"{META}serverInfo"))
    labels: dict[str, object] = {}
    if server is not None:
        labels["mcp.server"] = server
    if isinstance(result.get("protocolVersion"), str):
        labels["mcp.protocol"] = result["protocolVersion"]
    return labels


def ending(value: dict[str, object]) -> tuple[str, dict[str, object]]:
    """Outcome and labels of a request from the message that answers it."""
    result, error = value.get("result"), value.get("error")
    if error is not None or not isinstance(result, dict):
        code = error.get("code") if isinstance(error, dict) else None
        return "failure", {} if not isinstance(code, int) else {"mcp.error": code}
    if result.get("isError"):
        return "failure", {}
    kind = result.get("resultType", "complete")
    if kind != "complete":
        labels: dict[str, object] = {"mcp.result": kind}
        wanted = result.get("inputRequests")
        if isinstance(wanted, dict):
            methods = [item.get("method") for item in wanted.values() if isinstance(item, dict)]
            labels["mcp.wants"] = ",".join(sorted({method for method in methods if isinstance(method, str)}))
        return "unknown", labels
    if isinstance(result.get("task"), dict):
        return "unknown", {"mcp.result": "task"}
    return "success", {}


def continued_by(value: dict[str, object]) -> list[str]:
    """Tokens by which a later request shows that it goes on from this answer: the state to be given back, a task."""
    result = value.get("result")
    if not isinstance(result, dict):
        return []
    task = result.get("task")
    return _tokens(result.get("requestState"), task.get("taskId") if isinstance(task, dict) else None)


def continues(params: dict[str, object]) -> list[str]:
    """Tokens of `continued_by` that a request gives back."""
    return _tokens(params.get("requestState"), params.get("taskId"))


def _tokens(state: object, task: object) -> list[str]:
    found = [f"state {state}"] if isinstance(state, str) else []
    return [*found, f"task {task}"] if isinstance(task, str) else found
