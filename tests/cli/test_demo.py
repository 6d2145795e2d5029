"""The demonstration, as `make demo` runs it."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A Git repository of its own, so that the demonstration does not depend on where the tests run."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Tester", "-c", "user.email=tester@example.org"]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    (tmp_path / "file").write_text("text\n")
    subprocess.run([*git, "add", "file"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "First"], check=True)
    return tmp_path


def test_everything_is_proven_every_attack_is_caught_and_nothing_is_left(repository: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "muniment", "demo", "--repository", str(repository)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MUNIMENT_")},
        timeout=240,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout
    recorded, proof, audited, decided, edited, cut, rewritten = (
        said.split(f"\n{number}  ")[1].split(f"\n{number + 1}  ")[0] for number in (2, 3, 4, 5, 6, 7, 8)
    )
    # One trace: an agent of one framework, its MCP server, and the agent of another framework that it handed on to.
    for step in (
        r"agent\.start · agent:planner-01/planner +success",
        r"tool\.call git_show .*agent:planner-01 +✕ FAILED",
        r"tool\.call git_reset .*agent:planner-01 +⊘ REFUSED",
        r"tool\.call ask_analyst +success +[0-9.]+s\n.*└─ agent\.start · agent:analyst-01/analyst +success",
        r"tool\.call count_commits +success",
    ):
        assert re.search(step, recorded), recorded
    assert "Verified: every check that could be made passed" in proof
    assert "VERIFIED" in proof
    whole, altered = audited.split("$ muniment packet verify altered.zip")
    assert "each as the manifest names it" in whole
    assert re.search(r"sample +smp_\w+: 3 proven", whole), whole
    assert re.search(r"pages/sample-smp_\w+\.html: ", altered), altered
    assert re.search(r"Ada approves it herself +⊘ REFUSED: approver: ", decided), decided
    assert re.search(r"Ben approves it +it is active", decided), decided
    assert "Verified: every check that could be made passed" in decided
    assert "✗ tree" in edited
    assert "failed    tree" in edited
    assert "✗ pin" in cut
    assert "restored from an older copy" in cut
    assert "Verified, self-attested only" in rewritten
    assert "✗ pin" in rewritten
    address = re.search(r"running at (http://127\.0\.0\.1:\d+), log (\S+)", said)
    assert address is not None
    # Another test's server may have taken the port meanwhile; this log is served by nobody.
    with pytest.raises((httpx.ConnectError, httpx.HTTPStatusError)):
        httpx.get(f"{address[1]}/logs/{address[2]}/checkpoint", timeout=30, trust_env=False).raise_for_status()
