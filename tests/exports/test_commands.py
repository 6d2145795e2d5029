"""`muniment export --format`, `muniment evidence` and `muniment verify` of exports, against a real server."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from muniment.cli.main import muniment
from tests.exports.conftest import Taker

Run = Callable[..., Result]


@pytest.fixture
def run(taker: Taker) -> Run:
    def ran(*arguments: str) -> Result:
        environment = {
            "MUNIMENT_URL": taker.installation.url,
            "MUNIMENT_READ_KEY": taker.tenant.made.tokens["read"],
            "NO_PROXY": "*",
        }
        return CliRunner().invoke(muniment, list(arguments), env=environment)

    return ran


def test_an_export_is_taken_checked_and_held_against_a_bundle(taker: Taker, run: Run, tmp_path: Path) -> None:
    taker.record(6)
    taker.seal()
    for form in ("json", "ndjson", "csv", "ocsf"):
        path = tmp_path / f"export.{form}"
        taken = run("export", "--format", form, "--action", "tool.*", "-o", str(path))
        assert taken.exit_code == 0, taken.output
        assert f"6 entries as {form}" in taken.output
        assert sorted(one.name for one in tmp_path.glob(f"export.{form}*")) == [path.name], "no half file is left"
        alone = run("verify", str(path), "--no-known-logs")
        assert alone.exit_code == 0, alone.output
        assert "WHOLE, AND ITS HASHES HOLD" in alone.output
        assert "not checked: an export has none. Self-attested only" in alone.output
    bundle = tmp_path / "all.bundle"
    assert run("export", "-o", str(bundle), "--no-known-logs").exit_code == 0
    proven = run("verify", str(tmp_path / "export.csv"), "--proof", str(bundle), "--no-known-logs")
    assert proven.exit_code == 0, proven.output
    assert "6 of 6 entries are in the verified bundle; self-attested only" in proven.output
    assert run("verify", str(tmp_path / "export.csv"), "--require-pin").exit_code == 1
    (tmp_path / "export.csv").write_bytes((tmp_path / "export.csv").read_bytes()[:-40])
    cut = run("verify", str(tmp_path / "export.csv"))
    assert cut.exit_code == 2
    assert "cut off" in cut.output
    oscal = run("export", "--format", "oscal", "--control", "soc2:CC6.1", "-o", str(tmp_path / "o.json"))
    assert oscal.exit_code == 0, oscal.output


def test_what_cannot_be_is_refused_in_words(taker: Taker, run: Run, tmp_path: Path) -> None:
    taker.seal()
    path = str(tmp_path / "e.json")
    for arguments, said in (
        (["--format", "json", "--seq", "1"], "other formats than bundles are chosen by"),
        (["--format", "json", "--control", "soc2:CC99"], "control"),
        (["--format", "oscal"], "name a framework or a control"),
        (["--framework", "gdpr"], "for other formats than bundles"),
        (["--resume"], "no half file to go on with"),
        (["--take", "exp_nothing"], "there is no such export"),
    ):
        refused = run("export", "-o", path, *arguments)
        assert refused.exit_code != 0
        assert said in f"{refused.output}{refused.exception}", arguments
    assert run("export", "--format", "json", "-o", path).exit_code == 0
    assert "exists already" in str(run("export", "--format", "json", "-o", path).exception)
    assert run("export", "--format", "json", "-o", path, "--force").exit_code == 0


def test_a_client_that_is_killed_goes_on_where_it_was(taker: Taker, run: Run, tmp_path: Path) -> None:
    for _ in range(6):
        taker.record(500, resource={"id": "x" * 1000, "type": "tool"}, tool="y" * 250)
    taker.seal()
    path, half = tmp_path / "e.ndjson", tmp_path / "e.ndjson.part"
    process = subprocess.Popen(
        [sys.executable, "-m", "muniment", "export", "--format", "ndjson", "-o", str(path)],
        env={
            "MUNIMENT_URL": taker.installation.url,
            "MUNIMENT_READ_KEY": taker.tenant.made.tokens["read"],
            "NO_PROXY": "*",
        },
    )
    deadline = time.monotonic() + 60
    while (not half.exists() or half.stat().st_size < 100_000) and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait(30)
    assert not path.exists()
    assert "go on with --resume" in str(run("export", "--format", "ndjson", "-o", str(path)).exception)
    there = half.read_bytes()
    half.write_bytes(there[:-1] + b"?")
    assert "do not begin this export" in str(run("export", "--resume", "-o", str(path)).exception)
    half.write_bytes(there)
    resumed = run("export", "--resume", "-o", str(path))
    assert resumed.exit_code == 0, f"{resumed.output} {resumed.exception}"
    assert path.read_bytes().startswith(there)
    assert run("verify", str(path)).exit_code == 0
    offsets = [
        label
        for one in taker.entries(action="export.download", outcome="success")
        for label in one["entry"]["event"]["labels"]
        if label.startswith("from=")
    ]
    assert offsets == ["from=0", f"from={len(there)}"]


def test_a_record_is_shown_and_its_addresses_are_followed(taker: Taker, run: Run) -> None:
    (seq,) = taker.record(1, actor={"id": "agent:\u202ered", "type": "agent"})
    taker.seal()
    shown = run("evidence", str(seq))
    assert shown.exit_code == 0, f"{shown.output} {shown.exception}"
    assert "text gives the hash                  holds" in shown.output
    assert "leads to the checkpoint's root" in shown.output
    assert "no sink is configured" in shown.output
    assert "\u202e" not in shown.output
    record = json.loads(run("evidence", str(seq), "--json").output)
    assert record["checks"]["text"] is record["checks"]["proof"] is True
    assert run("evidence", record["event"]).exit_code == 0
    with taker.tenant.in_database() as raw, raw.transaction():
        raw.execute("SET LOCAL session_replication_role = replica")
        raw.execute(
            "UPDATE ledger.entries SET entry = replace(entry, 'agent:', 'agenT:') WHERE log_id = %s AND seq = %s",
            [taker.tenant.made.log_id, seq],
        )
    altered = run("evidence", str(seq))
    assert altered.exit_code == 1
    assert "DOES NOT HOLD" in altered.output
    assert run("evidence", "../../healthz").exit_code == 2
