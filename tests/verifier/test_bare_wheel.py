"""The wheel without extras verifies a bundle: no Django, no database driver."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from tests.verifier.logbook import Logbook, closed, opened

ROOT = Path(__file__).resolve().parents[2]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=240, check=False)


def test_a_bare_installation_verifies_a_bundle(tmp_path: Path, log: Logbook) -> None:
    built = run(
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        tmp_path / "dist",
        ROOT,
    )
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("muniment-*.whl")
    venv.create(tmp_path / "bare", with_pip=True)
    python = tmp_path / "bare" / "bin" / "python"
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    locked = run(*pip, "--require-hashes", "--no-deps", "-r", ROOT / "requirements" / "base.txt")
    assert locked.returncode == 0, locked.stderr
    installed = run(*pip, "--no-deps", wheel)
    assert installed.returncode == 0, installed.stderr
    assert run(python, "-m", "pip", "check").returncode == 0
    assert run(python, "-c", "import django").returncode == 1
    assert run(python, "-c", "import psycopg").returncode == 1

    bundle = tmp_path / "evidence.bundle"
    bundle.write_bytes(log.bundle())
    muniment = tmp_path / "bare" / "bin" / "muniment"
    good = run(muniment, "verify", "--no-known-logs", "--root", log.pins().root.vkey, bundle)  # type: ignore[union-attr]
    assert good.returncode == 0, good.stdout + good.stderr
    assert "held against the root key of your pins" in good.stdout
    bundle.write_bytes(closed(opened(log.bundle().replace(b"wks-prod-01", b"wks-prod-02", 1))))
    assert run(muniment, "verify", "--no-known-logs", bundle).returncode == 1
    database = run(muniment, "verify", "postgresql://localhost/none")
    assert database.returncode == 2
    assert "muniment[server]" in database.stderr
