"""`muniment hook`: record what an agent's hooks say, as a command that the agent calls."""

import json
import logging
import os
import sys

import click

from muniment.agent.adapters import claude_code
from muniment.agent.recording import Mode, configure
from muniment.core.errors import MunimentError


class _Misspelt(click.UsageError):
    exit_code = 1


class _Hook(click.Command):
    """Exit status 2 denies; a word too many in the settings must not, unless the hook is there to deny."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        gated = "--gate" in args
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            if gated:
                raise
            raise _Misspelt(error.message, ctx) from error


@click.command(cls=_Hook, epilog="Example: muniment hook claude-code --settings > .claude/settings.json")
@click.argument("agent", type=click.Choice(["claude-code"]), metavar="claude-code")
@click.option("--settings", is_flag=True, help="Print what to put into the agent's settings, and record nothing.")
@click.option("--gate", is_flag=True, help="A tool does not run unless the ledger has accepted its call.")
@click.option("--no-contents", is_flag=True, help="Record neither prompts, arguments, results nor answers.")
def command(agent: str, settings: bool, gate: bool, no_contents: bool) -> None:
    """Record what one hook of Claude Code says. Its JSON is read from standard input; nothing is printed.

    Exit status: 0, whatever happens, because a hook that fails must not stop the agent. With --gate it is 2, which
    denies the tool, unless the ledger has accepted the call.
    """
    if settings:
        words = "".join(f" {option}" for option in ("--no-contents",) if no_contents)
        print(json.dumps(claude_code.settings(gate=gate, command=f"muniment hook {agent}{words}"), indent=2))
        return
    logging.basicConfig(format="muniment: %(message)s", stream=sys.stderr, level=logging.WARNING)
    mode: Mode = "gate" if gate else "async"
    try:
        if not os.environ.get("MUNIMENT_AGENT"):
            configure(agent=agent)
        data = sys.stdin.buffer.read(claude_code.MAX_HOOK)
        claude_code.record_hook(data, contents=not no_contents, mode=mode)
    except (MunimentError, OSError) as error:
        click.echo(f"muniment: not recorded: {error}", err=True)
        sys.exit(2 if gate else 0)
    except Exception:
        logging.exception("not recorded")
        sys.exit(2 if gate else 0)
