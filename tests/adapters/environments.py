"""Each framework in an environment of its own, as `requirements/adapters/<name>.txt` locks it.

    python -m tests.adapters.environments [name …]     make what is missing or out of date; all without a name

Frameworks do not resolve together, and none of them belongs into the project's own environment. Muniment itself is not
installed there: a path file points at the sources, so that what is tested is what stands in the tree.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ROOT / "requirements" / "adapters"
MADE = ROOT / ".cache" / "adapters"


def names() -> list[str]:
    """Every framework that has a lock file."""
    return sorted(path.stem for path in LOCKS.glob("*.txt"))


def interpreter(name: str) -> Path:
    """The Python of a framework's environment, made now if it is missing or its lock file is another.

    Two processes that need it at the same time make it once.
    """
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
    shutil.rmtree(made, ignore_errors=True)
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(made)], check=True, env=environ)
    sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", str(made / "bin" / "python"), str(lock)]
    subprocess.run(sync, check=True, env=environ)
    (packages,) = made.glob("lib/python3.*/site-packages")
    (packages / "muniment-sources.pth").write_text(f"{ROOT / 'src'}\n{ROOT}\n")


def main() -> None:
    """Make the environments that are named, or all; say what each took."""
    for name in sys.argv[1:] or names():
        start = time.monotonic()
        python = interpreter(name)
        size = sum(path.lstat().st_size for path in python.parents[1].rglob("*") if path.is_file())
        print(f"{name}: {size / 1e6:.0f} MB, {time.monotonic() - start:.1f} s")


if __name__ == "__main__":
    main()
