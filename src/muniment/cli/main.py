"""The `muniment` command: one file per command group, imported only when it is called."""

import importlib
import sys
from collections.abc import Sequence

import click

from muniment.core.errors import Malformed, MunimentError
from muniment.version import __version__

# Command -> (module that holds it as `command`, one line for the overview). Modules are imported when called, so that
# the bare package needs neither Django nor a database driver, and `muniment mcp` starts fast.
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("up", "start the ledger here: database, server, sealing"),
    "down": ("down", "stop what `up --detach` started"),
    "status": ("status", "say what runs, how large the log is, how old the last checkpoint is"),
    "demo": ("demo", "record, seal, prove and attack a ledger in a throw-away folder"),
    "mcp": ("mcp", "record every tool call between an MCP client and a stdio MCP server"),
    "proxy": ("proxy", "record what passes to a model API, or to an MCP server over HTTP"),
    "record": ("record", "record one event, from a shell script"),
    "hook": ("hook", "record what an agent's hooks say, as the command they call"),
    "ship": ("ship", "send what the spools hold, and free it once proven"),
    "control": ("control", "the tenant's own controls: define, change, retire, import, export"),
    "matrix": ("matrix", "each control with its population, last evidence, sample and exceptions"),
    "population": ("population", "count, show and save all entries that have something in common"),
    "sample": ("sample", "draw a sample, walk through its proofs, mark it, take it out"),
    "report": ("report", "make reports as PDF/A whose numbers can be asked for again"),
    "attachment": ("attachment", "attach files to controls, fetch and check them"),
    "dlp": ("dlp", "search files for personal and payment data, see what is held back"),
    "packet": ("packet", "one archive for an audit: what it holds, who asked for it, build, hand over, verify"),
    "exception": ("exception", "what is not complied with: draft, submit, renew, withdraw, chains of renewals"),
    "approval": ("approval", "how exceptions are approved, as a file; who is away and who decides meanwhile"),
    "policy": ("policy", "the policy library: versions, comparing them, files"),
    "asset": ("asset", "the list of assets: owners, criticality, files"),
    "table": ("table", "the registers as files: list, export as CSV or XLSX, import all or nothing"),
    "task": ("task", "control tasks: set, done, skipped, what is overdue"),
    "finding": ("finding", "findings: open, remediate, resolve"),
    "incident": ("incident", "incidents: when, which entries tell of it, what was learned"),
    "anomaly": ("anomaly", "alerts of what is unusual in a log; replay an export, rehearse with made-up days"),
    "change": ("change", "changes with their reasons, and which actions need one"),
    "sign": ("sign", "the signatures on an entry, checked here, and where to sign it"),
    "risk": ("risk", "the risk register: open, change, close, propose to accept, heatmap, export"),
    "statement": ("statement", "what the ledger evidences of a framework, on one page"),
    "notification": ("notification", "what people were told, how e-mails went, and how people are told"),
    "export": ("export", "take entries away as a bundle that anyone can verify, or in a format of another tool"),
    "evidence": ("evidence", "an entry's evidence record, with every address in it followed and checked"),
    "trace": ("trace", "show what led to what across agents, or an incident's timeline with its proof"),
    "anchor": ("anchor", "have outside authorities stamp the log's checkpoints, and see how they do"),
    "verify": ("verify", "check a bundle, a folder, a live log or a database"),
    "catalog": ("catalog", "control frameworks: list, show, import your own, what actions map to"),
    "mapping": ("mapping", "which controls actions evidence in a ledger, and changing that"),
    "known-logs": ("knownlogs", "the checkpoints this machine has proven, as ssh keeps known hosts"),
    "keys": ("keys", "create, list and revoke API keys"),
    "tenants": ("tenants", "create and list tenants, and set what is public"),
    "admin": ("admin", "help somebody in who cannot sign in any more"),
    "logs": ("logs", "rotate a log's key, adopt a head after a restore"),
    "db": ("db", "migrate the database, give its roles new passwords"),
}
_EXTRAS = {"demo": "server,demo"}
"""What to install for a command where that is not the extra `server`."""
GROUPS = (
    ("Run a ledger", ("up", "down", "status", "demo")),
    ("Capture", ("mcp", "proxy", "record", "hook", "ship")),
    (
        "Review",
        (
            "control",
            "matrix",
            "population",
            "sample",
            "attachment",
            "dlp",
            "report",
            "packet",
            "change",
            "sign",
            "statement",
        ),
    ),
    ("Decide", ("exception", "approval", "risk", "policy", "asset", "task", "finding", "incident", "table", "anomaly")),
    ("Prove", ("export", "evidence", "trace", "anchor", "verify", "catalog", "mapping", "known-logs")),
    ("Administer", ("keys", "tenants", "admin", "notification", "logs", "db")),
)


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        try:
            module = importlib.import_module(f"muniment.cli.{COMMANDS[cmd_name][0]}")
        except ModuleNotFoundError as missing:
            if missing.name is None or missing.name.startswith("muniment"):
                raise
            raise click.ClickException(
                f"`muniment {cmd_name}` needs {missing.name}, which is not installed.\n"
                f"Install what it needs: pip install 'muniment[{_EXTRAS.get(cmd_name, 'server')}]'"
            ) from missing
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        for title, names in GROUPS:
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name][1]) for name in names])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="muniment")
def muniment() -> None:
    """A tamper-evident ledger of what agents did, and the proofs to take away."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; refusals and malformed input end in one plain sentence, not in a traceback."""
    try:
        muniment.main(args=list(arguments) if arguments is not None else None, prog_name="muniment")
    except MunimentError as error:
        click.echo(f"muniment: {error}", err=True)
        sys.exit(2 if isinstance(error, Malformed) else 1)


if __name__ == "__main__":
    main()
