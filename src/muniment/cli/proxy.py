"""`muniment proxy`: record what passes between clients of this machine and a model API or an MCP server over HTTP."""

import importlib.util
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import click

from muniment.agent.mcp.http import HttpRecorder
from muniment.agent.mcp.observer import McpRecorder, McpSession
from muniment.agent.mcp.policy import Policy
from muniment.agent.models.contents import Contents
from muniment.agent.models.recorder import ModelRecorder
from muniment.agent.proxy.application import ReverseProxy
from muniment.agent.proxy.guard import Guard, is_loopback
from muniment.agent.proxy.upstream import Upstream
from muniment.agent.shipping.background import ship_beside
from muniment.agent.spools.spool import Spool
from muniment.agent.state import State
from muniment.core.errors import Malformed, MunimentError
from muniment.core.identifiers import WORKSPACES

_GRACE: Final = 5
"""Seconds that answers in flight are given when the proxy is told to stop."""
_LOG: Final = logging.getLogger("muniment.agent")


@click.group("proxy")
def command() -> None:
    """Stand between clients of this machine and an HTTP server, and record what passes."""


def _common(function: Callable[..., None]) -> Callable[..., None]:
    options = (
        click.option("--upstream", required=True, metavar="URL", help="The server behind the proxy."),
        click.option("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="Port 0: a free one, printed."),
        click.option("--agent", metavar="NAME", envvar="MUNIMENT_AGENT", help="Who uses it: the source of the events."),
        click.option("--workspace", metavar="W", envvar="MUNIMENT_WORKSPACE", help="Written into every event."),
        click.option("--durable", is_flag=True, help="Wait for the disk; what cannot be recorded is not forwarded."),
        click.option("--allow-host", "hosts", multiple=True, metavar="NAME", help="A name by which it is addressed."),
        click.option("--allow-origin", "origins", multiple=True, metavar="ORIGIN", help="Whose web pages may use it."),
        click.option("--allow-remote", is_flag=True, help="Listen on an address that other machines reach."),
        click.option("--no-ship", is_flag=True, help="Only write the spool; `muniment ship` sends it later."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@command.command(
    "models", epilog="Example: muniment proxy models --upstream https://api.openai.com --agent research-01"
)
@_common
@click.option("--gate", is_flag=True, help="Forward only what the ledger has accepted; otherwise answer 503.")
@click.option(
    "--contents",
    type=click.Choice([policy.value for policy in Contents]),
    default=Contents.HASH.value,
    show_default=True,
    help="How much of prompts and answers is recorded.",
)
def models(
    upstream: str,
    listen: str,
    agent: str | None,
    workspace: str | None,
    durable: bool,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    allow_remote: bool,
    no_ship: bool,
    gate: bool,
    contents: str,
) -> None:
    """Record every invocation of an OpenAI- or Anthropic-compatible API.

    Give the printed address to the client as its base URL, with the API's own path behind it. Streams stay streams.
    """
    session = _Session("model-api", upstream, listen, agent, workspace, durable, allow_remote, no_ship)
    recorder = ModelRecorder(session.spool, Contents(contents), workspace, durable=durable, gate=gate)
    session.serve(ReverseProxy(session.upstream, recorder, Guard(hosts, origins)))
    session.finish({**recorder.counts, "unrecorded": recorder.unrecorded})


@command.command("mcp", epilog="Example: muniment proxy mcp --upstream http://127.0.0.1:9000/mcp --agent research-01")
@_common
@click.option("--server", metavar="NAME", help="The server's name.  [default: from the URL]")
@click.option(
    "--policy",
    metavar="FILE",
    envvar="MUNIMENT_POLICY",
    type=click.Path(path_type=Path),
    help="Rules that deny requests, or ask the ledger first (TOML).",
)
@click.option("--trace", is_flag=True, help="Put a traceparent into tool calls that have none; changes their bytes.")
def mcp(
    upstream: str,
    listen: str,
    agent: str | None,
    workspace: str | None,
    durable: bool,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    allow_remote: bool,
    no_ship: bool,
    server: str | None,
    policy: Path | None,
    trace: bool,
) -> None:
    """Record what a client and an MCP server say over streamable HTTP, and refuse what a policy denies.

    Give the printed address to the client in place of the server's. Nothing but the server's own path passes.
    """
    rules = None if policy is None else Policy.read(policy)
    session = _Session("mcp", upstream, listen, agent, workspace, durable, allow_remote, no_ship)
    name = server or session.upstream.origin.partition("://")[2]
    recorder = McpRecorder(
        session.spool,
        name,
        workspace,
        durable=durable,
        policy=rules,
        trace=trace,
        framing="body",
        labels={"mcp.transport": "http"},
    )
    proxied = HttpRecorder(
        session.upstream.path,
        lambda: McpSession(recorder),
        waits=recorder.blocks,
        fails_closed=recorder.fails_closed,
    )
    application = ReverseProxy(session.upstream, proxied, Guard(hosts, origins), prefix=False)
    session.serve(application, session.upstream.path, recorder.start_labels)
    proxied.close()
    session.finish({**recorder.counts, "unseen": proxied.unrecorded})


class _Session:
    """One proxy from its start to its end."""

    def __init__(
        self,
        kind: str,
        upstream: str,
        listen: str,
        agent: str | None,
        workspace: str | None,
        durable: bool,
        allow_remote: bool,
        no_ship: bool,
    ) -> None:
        if importlib.util.find_spec("uvicorn") is None:
            raise click.ClickException("`muniment proxy` needs uvicorn: pip install 'muniment[proxy]'")
        logging.basicConfig(format="muniment: %(message)s", stream=sys.stderr, level=logging.WARNING)
        # What is asked for may hold secrets, and every request would be a line.
        logging.getLogger("httpx").setLevel(logging.CRITICAL)
        if workspace is not None:
            WORKSPACES.check(workspace, "--workspace")
        self.upstream = Upstream(upstream)
        self._kind = kind
        self._workspace = workspace
        self._listening = _listening(listen, allow_remote)
        state = State.find()
        self.spool = Spool(agent or f"{kind}:{self.upstream.origin.partition('://')[2]}", state=state)
        self._durable = durable
        self._shipper = None if no_ship else ship_beside(state, self.spool.source, os.environ)

    def serve(self, application: ReverseProxy, path: bytes = b"", labels: Mapping[str, object] | None = None) -> None:
        """Serve until SIGTERM or SIGINT; say under which address."""
        import uvicorn

        host, port = self._listening.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        self._note("process.start", "success", labels or {})
        config = uvicorn.Config(
            application,
            # The other parser of uvicorn sends chunks to clients of HTTP/1.0, which cannot read them.
            http="h11",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level=logging.CRITICAL,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=_GRACE,
        )
        where = path.decode("ascii")
        click.echo(f"muniment: {address}{where} records and forwards to {self.upstream.origin}{where}", err=True)
        # Uvicorn raises the signal that stopped it once more when it is done: there is something left to do here.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        uvicorn.Server(config).run(sockets=[self._listening])

    def finish(self, counts: Mapping[str, int]) -> None:
        """Record the end with its counts, and let the shipper drain."""
        self._note("process.exit", "success", {f"proxy.{what}": number for what, number in counts.items()})
        self.spool.close()
        if self._shipper is not None:
            self._shipper.finish()

    def _note(self, action: str, outcome: str, labels: Mapping[str, object]) -> None:
        try:
            self.spool.record(
                action=action,
                outcome=outcome,
                resource=(self._kind, self.upstream.origin),
                labels=labels,
                workspace=self._workspace,
            )
        except MunimentError as error:
            _LOG.error("%s was not recorded: %s", action, error)


def _listening(listen: str, allow_remote: bool) -> socket.socket:
    host, separator, port = listen.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not port.isdigit() or int(port) > 65535 or not host:
        raise Malformed("must be HOST:PORT, such as 127.0.0.1:8731", "--listen")
    if not is_loopback(host) and not allow_remote:
        raise Malformed(
            f"{host} may be reached by other machines, and whoever reaches this proxy is recorded as the agent; "
            "say --allow-remote if that is meant",
            "--listen",
        )
    try:
        return socket.create_server((host, int(port)), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise Malformed(f"{listen}: {error.strerror or error}", "--listen") from error
