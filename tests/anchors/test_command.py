"""`muniment anchor` in an installation that really runs, up to a bundle that two verifiers check offline."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from muniment.keys import KeyRing
from muniment.verifier.standalone import muniment_verify as standalone
from tests.support.installations import Installation, append, installation, printed_key, wait_for
from tests.support.tsa import Served, Tsa


def configure(of: Installation, served: Served, tsa: Tsa) -> None:
    lines = f'every = "1m"\n[[authority]]\nname = "here"\nurl = "{served.url}"\npinned = "{tsa.root_file}"\n'
    (of.places.home / "anchors.toml").write_text(lines)


def test_from_no_authority_to_a_proof_that_stands_without_us(served: Served, tsa: Tsa, tmp_path: Path) -> None:
    with installation() as of:
        said = of.up()
        key, read = printed_key(said, "append"), printed_key(said, "read")
        server = of.server().url
        assert "no timestamp authority is configured" in of.run("anchor", "status", code=1)
        assert "write [[authority]] with name, url and pinned" in of.run("anchor", "now", code=1)
        assert of.run("anchor", "list").endswith("no timestamp yet\n")
        with httpx.Client(verify=False, base_url=server, trust_env=False, timeout=60) as client:
            seq = append(client, key).json()["seq"]
            wait_for(lambda: sealed(of) > seq, "a checkpoint over the entry")
            authority_is_down(of, served, tsa)
            # On a slow machine the background job's next attempt may come first; then there is nothing newer to stamp.
            stamped = of.run("anchor", "now")
            assert "entries existed no later than 20" in stamped or "nothing is newer" in stamped
            listed = of.run("anchor", "list")
            assert "here  entry" in listed
            assert "verifies without renewal until 2030-03-17 17:46:40Z" in listed
            wait_for(lambda: anchor_status(of)["problems"] == [], "the end of the failure")
            assert anchor_status(of)["newest"]["authority"] == "here"
            assert "is anchored every 2h (entry" in of.run("anchor", "every", "2h")
            assert "anchored every 2h" in of.run("anchor", "status")
            assert "must be a time from" in of.run("anchor", "every", "sometimes", code=2)
            # The job goes by its own last round, so that status may still exit with 1.
            assert "last timestamp from outside" in of.start("status").communicate(timeout=60)[0]
            public = client.get("/api/audit/verify/default").json()
            assert public["last_anchor_at"] is not None
            assert public["last_anchor_at"] == public["anchors"]["newest"]["at"]
            assert public["anchors"]["failing"] == []
            assert isinstance(public["full_run"]["entry"], int)
        bundle = tmp_path / "proof.bundle"
        environment = {"MUNIMENT_URL": server, "MUNIMENT_READ_KEY": read, "MUNIMENT_STATE": str(tmp_path)}
        Installation(of.home, environment).run("export", "--seq", str(seq), "-o", str(bundle))
        offline(bundle, KeyRing(of.places.keys).root_verifier().vkey, tsa)


def sealed(of: Installation) -> int:
    # On a busy machine a job may be late, which is a problem to status and none to this test.
    found = json.loads(of.start("status", "--json").communicate(timeout=60)[0])
    return max(log["sealed"] for log in found["logs"] if log["tenant"] == "default")


def anchor_status(of: Installation) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(of.start("anchor", "status", "--json").communicate(timeout=60)[0])
    return found


def authority_is_down(of: Installation, served: Served, tsa: Tsa) -> None:
    """It says so everywhere, and works again."""
    served.status = 503
    configure(of, served, tsa)
    failed = of.run("anchor", "now", code=1)
    assert "here: it answers with status 503 (unreachable); the next attempt comes" in failed
    assert "here has given no timestamp since" in of.run("anchor", "status", code=1)
    public = httpx.get(f"{of.server().url}/api/audit/verify/default", trust_env=False, timeout=60).json()
    assert [(one["authority"], one["word"]) for one in public["anchors"]["failing"]] == [("here", "unreachable")]
    wait_for(lambda: "anchoring fails" in of.start("status").communicate(timeout=60)[0], "the job's word in status")
    served.status = 200


def offline(bundle: Path, root: str, tsa: Tsa) -> None:
    """Both verifiers, with nothing of ours running."""
    pins = ["--root", root, "--timestamp-root", str(tsa.root_file), "--json"]
    ours = [sys.executable, "-m", "muniment", "verify", str(bundle), "--no-known-logs", *pins]
    theirs = [sys.executable, standalone.__file__, str(bundle), *pins]
    for command in (ours, theirs):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = json.loads(done.stdout)
        assert (done.returncode, found["verdict"], found["trust"]) == (0, "verified", "pinned"), done
        check = next(check for check in found["checks"] if check["name"] == "anchors")
        assert check["state"] == "passed"
        assert "entries existed no later than 20" in check["reason"]
