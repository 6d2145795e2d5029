"""The demonstration itself, act by act."""

import contextlib
import hashlib
import shutil
import sys
import time
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path

import click
from psycopg import Connection

from muniment.cli.demo import insider
from muniment.cli.demo.auditing import audit
from muniment.cli.demo.deciding import decision
from muniment.cli.demo.scene import POLICY, work
from muniment.cli.demo.stage import Stage, shown
from muniment.core.entry import Entry
from muniment.core.errors import Refused
from muniment.ledger.embedded import reachable_directory

CONTROL = "soc2:CC6.1"


@click.command("demo")
@click.option("--keep", is_flag=True, help="Leave the folder and the running ledger behind, and say how to use them.")
@click.option(
    "--repository",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Git repository that the agent looks into (default: the one here).",
)
def command(keep: bool, repository: Path | None) -> None:
    """Record, seal, prove and attack a ledger, in a throw-away folder.

    Two agents of two frameworks work; one hands on to the other, and drives a real MCP server through the recorder.
    Their model plays a script. Then the evidence is taken away and verified by two verifiers, a control is audited from
    its population to a packet, somebody decides on what somebody else asked for, and three attacks are tried. Asks
    nothing, needs no network, leaves nothing running.
    """
    began = time.monotonic()
    repository = (repository or _repository_here()).resolve()
    stage = Stage(reachable_directory("muniment-demo-"))
    try:
        _start(stage)
        _record(stage, repository)
        bundle = _prove(stage)
        _audit(stage)
        _decide(stage)
        _edit_one_byte(stage, bundle)
        _cut_the_tail(stage)
        _rewrite_everything(stage)
        click.secho(f"\nAll of it ran here, in {time.monotonic() - began:.0f} s.", bold=True)
        _say_what_next(stage, keep=keep)
    finally:
        if not keep:
            _clear(stage)


def _start(stage: Stage) -> None:
    _act(1, "Start a ledger", "database, server and sealing, on this machine, on loopback only")
    shown("muniment up --detach")
    stage.up()
    click.echo(f"  running at {stage.url}, log {stage.origin}")


def _record(stage: Stage, repository: Path) -> None:
    _act(
        2,
        "Record two agents and an MCP server",
        "OpenAI Agents SDK and Pydantic AI, a scripted model, a real MCP server behind a policy",
    )
    policy = stage.folder / "policy.toml"
    policy.write_text(POLICY)
    shown("python planner.py      # calls install(), starts: muniment mcp --policy policy.toml -- mcp-server-git …")
    before = stage.sealed_size()
    done = work(stage, repository, policy)
    click.echo(f"    planner: {done}\n")
    click.echo("  The agents wrote spools on this disk and nothing else. The shipper holds the key:\n")
    shown("muniment ship          # frees a spool once the ledger has proven that it holds these very events")
    _quote(stage.run("ship", scope="append").stdout)
    stage.wait("the entries to be sealed", lambda: stage.sealed_size() > before and stage.all_sealed())
    click.echo("  Three processes, two frameworks, one trace: what led to what, from the refused call on:\n")
    refused = stage.get("/api/entries", outcome="denied", limit=1).json()["entries"][0]["entry"]["event"]
    shown("muniment trace <event of the refused call>")
    _quote(stage.run("trace", f"{refused['source']['id']}/{refused['id']}", scope="read").stdout)
    click.echo(f"  The part that evidences {CONTROL}:\n")
    shown(f"curl '$MUNIMENT_URL/api/entries?control={CONTROL}'")
    sealed = stage.sealed_size()
    entries = stage.get("/api/entries", control=CONTROL, order="oldest", limit=50).json()["entries"]
    click.secho(f"  {'seq':>5}  {'action':<12} {'tool':<14} {'outcome':<9} {'':<8} hash", dim=True)
    for item in entries:
        entry, event = item["entry"], item["entry"]["event"]
        seal = "sealed" if entry["seq"] < sealed else "recorded"
        click.echo(
            f"  {entry['seq']:>5}  {event['action']:<12} {event.get('tool', ''):<14} {event['outcome']:<9} "
            f"{seal:<8} {item['entry_hash'][:16]}…"
        )


def _prove(stage: Stage) -> Path:
    _act(3, "Take the evidence away and verify it", "two verifiers that share no code; neither needs the server")
    bundle = stage.folder / "evidence.bundle"
    shown(f"muniment export --control {CONTROL} --output evidence.bundle")
    stage.run("export", "--control", CONTROL, "--output", str(bundle), scope="read")
    shown("muniment verify evidence.bundle")
    _quote(stage.run("verify", str(bundle)).stdout)
    shown("python3 muniment_verify.py evidence.bundle          # one file, standard library only")
    _quote(_standalone(stage, bundle, expect=0))
    shown(f"muniment verify {stage.log_url}")
    _quote(
        stage.run("verify", stage.log_url, scope="read").stdout, only=("log", "chain", "tree", "pin", "verified", "✓")
    )
    return bundle


def _audit(stage: Stage) -> None:
    _act(
        4,
        "Audit a control",
        "population, sample, marks, and a packet that needs nothing but a browser; then one byte of it altered",
    )
    packet, altered = audit(stage, CONTROL)
    root = (stage.places.keys / "root.vkey").read_text().strip()
    shown("muniment packet verify packet.zip --root 'muniment-root-…'      # the root key comes from elsewhere")
    said = stage.run("packet", "verify", str(packet), "--root", root).stdout
    _quote(said, only=("files", "manifest", "evidence", "signature", "sample", "Verified"))
    shown("muniment packet verify altered.zip --root 'muniment-root-…'")
    said = stage.run("packet", "verify", str(altered), "--root", root, expect=1).stdout
    _quote(said[said.index("Not verified") :])
    # The rest of the demonstration is watched by a client that has seen all of the log once.
    stage.wait("what the audit recorded to be sealed", stage.all_sealed)
    shown(f"muniment verify {stage.log_url}")
    _quote(stage.run("verify", stage.log_url, scope="read").stdout, only=("This machine",))


def _decide(stage: Stage) -> None:
    _act(
        5,
        "Decide on an exception",
        "asked for, refused to whoever asked, approved by somebody else; each step proven from a bundle",
    )
    bundle = decision(stage)
    shown("muniment verify decision.bundle")
    _quote(stage.run("verify", str(bundle)).stdout, only=("log ", "entries", "tree", "pin", "bodies", "Verified"))


def _edit_one_byte(stage: Stage, bundle: Path) -> None:
    _act(
        6,
        "Attack: edit one byte of the evidence",
        "in a copy: the name of a tool, and the file's checksum mended to match",
    )
    copy = stage.folder / "edited.bundle"
    data = bundle.read_bytes()
    at = data.index(b'"tool":"git_') + len(b'"tool":"git_')
    edited = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    # The checksum at the end is mended too: it is there for accidents, not for attackers.
    end = edited.rindex(b"Z ")
    copy.write_bytes(edited[:end] + b"Z " + hashlib.sha256(edited[:end]).hexdigest().encode() + b"\n")
    shown("muniment verify edited.bundle")
    _quote(stage.run("verify", str(copy), expect=1).stdout, failed=True)
    shown("python3 muniment_verify.py edited.bundle")
    _quote(_standalone(stage, copy, expect=1), failed=True)


def _cut_the_tail(stage: Stage) -> None:
    _act(7, "Attack: cut the tail", "the database's superuser, triggers off, takes the log back to an older checkpoint")
    with stage.superuser() as connection:
        log_id = _log_id(connection, stage)
        copy = insider.Copy(connection, log_id)
        size = insider.cut_tail(connection, log_id, 4)
        connection.commit()
        click.echo(
            f"  {size} entries are left; entries, tree, checkpoints and head row agree with one another again.\n"
        )
        # A log may be behind for a moment, behind a load balancer for example; here nobody needs to wait for it.
        shown(f"muniment verify --patience 2 {stage.log_url}")
        _quote(stage.run("verify", "--patience", "2", stage.log_url, scope="read", expect=1).stdout, failed=True)
        click.echo(
            "  The next event arrives. The sealer keeps its last signed head outside the database, and refuses:\n"
        )
        actor = {"id": "agent:research-01", "type": "agent"}
        stage.append({"action": "agent.step", "actor": actor, "outcome": "success"})
        stage.wait("the sealer to refuse", lambda: "older copy" in stage.problems())
        shown("muniment status")
        _quote(stage.problems())
        copy.put_back()
        connection.commit()
    click.echo("  The lost entries are put back verbatim; the log is what it was.")


def _rewrite_everything(stage: Stage) -> None:
    _act(
        8,
        "Attack: rewrite history with the true keys",
        "an insider with the database and both signing keys hides the failed call and signs everything anew",
    )
    with stage.superuser() as connection:
        log_id = _log_id(connection, stage)
        row = connection.execute(
            "SELECT seq FROM ledger.entries WHERE log_id = %s AND outcome = 'failure' ORDER BY seq LIMIT 1", [log_id]
        ).fetchone()
        if row is None:
            raise Refused("the session had no failed call to hide", "demo")
        changed = insider.rewrite(connection, log_id, int(row[0]), _hide_the_failure)
        for head in stage.places.heads.glob("*"):
            if head.is_file() and not head.name.startswith("."):
                head.unlink()
        connection.commit()
    click.echo(f"  {changed} entries re-chained, head file removed; the sealer signs the new history in good faith …\n")
    stage.wait("the new history to be sealed", lambda: stage.sealed_size() > 0)
    click.echo("  Somebody who sees the log for the first time finds nothing wrong, and is told what that is worth:\n")
    shown(f"muniment verify {stage.log_url}        # a machine that has never seen this log")
    stranger = stage.run("verify", stage.log_url, scope="read", state=stage.folder / "stranger").stdout
    _quote(stranger[stranger.index("Verified, self-attested only") :])
    click.echo("  This machine has seen it before:\n")
    shown(f"muniment verify {stage.log_url}")
    _quote(stage.run("verify", stage.log_url, scope="read", expect=1).stdout, failed=True)


def _hide_the_failure(entry: Entry) -> Entry:
    return replace(entry, event=replace(entry.event, outcome="success"))


def _say_what_next(stage: Stage, *, keep: bool) -> None:
    if keep:
        click.echo(
            f"\nThe ledger still runs. In another terminal:\n\n"
            f"  export MUNIMENT_HOME={stage.places.home} MUNIMENT_STATE={stage.folder / 'state'}\n"
            f"  export MUNIMENT_URL={stage.url}\n"
            "  muniment status\n"
            f"\nStop and remove it:  muniment down && rm -r {stage.folder}"
        )
        return
    click.echo(
        "\nWhat next\n"
        "  muniment up                               a ledger of your own; prints its keys once\n"
        "  muniment mcp -- <your MCP server>         record what your agents do\n"
        "  muniment export … && muniment verify …    take evidence away and prove it\n"
        "  muniment up --sample                      a tenant to look at, with controls, samples and a matrix\n"
        "  docs/threat-model.md                      what is caught, by what, and what is not\n"
        "\nNothing is left running. `muniment demo --keep` leaves it for you to play with."
    )


def _clear(stage: Stage) -> None:
    try:
        stage.down()
    finally:
        shutil.rmtree(stage.folder)


def _standalone(stage: Stage, bundle: Path, *, expect: int) -> str:
    with as_file(files("muniment.verifier.standalone") / "muniment_verify.py") as script:
        return stage.program([sys.executable, "-I", str(script), str(bundle)], stage.environment, expect).stdout


def _log_id(connection: Connection, stage: Stage) -> int:
    row = connection.execute("SELECT log_id FROM ledger.logs WHERE origin = %s", [stage.origin]).fetchone()
    if row is None:
        raise Refused(f"the database has no log {stage.origin}", "demo")
    return int(row[0])


def _act(number: int, title: str, words: str) -> None:
    click.echo("\n" + click.style(f"{number}  {title}", bold=True) + click.style(f"   {words}", dim=True) + "\n")


def _quote(text: str, *, only: tuple[str, ...] = (), failed: bool = False) -> None:
    """Show a command's output, indented; of a long report only the lines that matter here."""
    for line in text.splitlines():
        if (only and not any(word in line for word in only)) or not line.strip():
            continue
        if failed and not any(mark in line for mark in ("✗", "x ", "failed", "FAILED", "malformed", "broken")):
            continue
        click.echo(f"    {line.rstrip()}")
    click.echo()


def _short(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.relative_to(Path.cwd())) if path != Path.cwd() else "."
    return str(path)


def _repository_here() -> Path:
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / ".git").exists():
            return folder
    raise Refused("there is no Git repository here for the agent to look into: give one with --repository", "demo")
