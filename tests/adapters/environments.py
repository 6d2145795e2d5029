"""Each framework in an environment of its own, as `requirements/adapters/<name>.txt` locks it.

    python -m tests.adapters.environments [name …]     make what is missing or out of date; all without a name

Most frameworks do not resolve together. Those that the demonstration uses stand in the project's own environment and
have no lock file of their own. Muniment itself is not installed in the others: a path file points at the sources, so
that what is tested is what stands in the tree.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements" / "adapters"
MADE = ROOT / ".cache" / "adapters"
WITH_THE_PROJECT = ("openai-agents", "pydantic-ai")


def names() -> list[str]:
    """Every framework that has a lock file."""
    return sorted(path.stem for path in LOCKS.glob("*.txt"))


def interpreter(name: str) -> Path:
    """The Python that has a framework; its environment is made now if it is missing or its lock file is another.

    `make parts` makes all of them before the tests begin. Two processes that need one at the same time make it once.
    """
    if name in WITH_THE_PROJECT:
        return Path(sys.executable)
    made, lock = MADE / name, LOCKS / f"{name}.txt"
    python, stamp = made / "bin" / "python", made / ".made-of"
    wanted = hashlib.sha256(lock.read_bytes() + str(ROOT).encode()).hexdigest()
    if not (stamp.exists() and stamp.read_text() == wanted):
        MADE.mkdir(parents=True, exist_ok=True)
        with (MADE / f"{name}.lock").open("w") as handle:
            _lock(handle.fileno())
            if not (stamp.exists() and stamp.read_text() == wanted):
                _make(made, lock)
                stamp.write_text(wanted)
    return python


def _lock(descriptor: int) -> None:
    import fcntl

    fcntl.flock(descriptor, fcntl.LOCK_EX)


def _make(made: Path, lock: Path) -> None:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv") or "uv"
    environ = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    # Whoever has a registry of their own has told pip of it; uv does not ask pip.
    asked = [sys.executable, "-m", "pip", "config", "get", "global.index-url"]
    told = os.environ.get("PIP_INDEX_URL") or subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    if told:
        environ.setdefault("UV_DEFAULT_INDEX", told)
    shutil.rmtree(made, ignore_errors=True)
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(made)], check=True, env=environ)
    python = str(made / "bin" / "python")
    sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(lock)]
    if subprocess.run(sync, env=environ).returncode:
        # uv reads no settings of pip's but the one above: where a registry is told in another way, pip knows it.
        print(f"{lock.stem}: uv could not install it; pip does", flush=True)
        installer = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--require-hashes"]
        subprocess.run([*installer, "-r", str(lock)], check=True)
    (packages,) = made.glob("lib/python3.*/site-packages")
    (packages / "muniment-sources.pth").write_text(f"{ROOT / 'src'}\n{ROOT}\n")


def main() -> None:
    """Make the environments that are named, or all, two at a time; say what each took."""

    def make(name: str) -> str:
        start = time.monotonic()
        made = interpreter(name).parents[1]
        taken = time.monotonic() - start
        size = sum(path.lstat().st_size for path in made.rglob("*") if path.is_file())
        return f"{name}: {size / 1e6:.0f} MB, {taken:.1f} s"

    # The network and the disk take turns; more than two only wait for each other.
    with ThreadPoolExecutor(2) as pool:
        for line in pool.map(make, sys.argv[1:] or names()):
            print(line)


if __name__ == "__main__":
    main()
