"""Cleaning up after a test process that was killed: what it started would otherwise run on for ever."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# Waits for the end of its input, which comes when the test process ends, however it ends.
_KEEPER = """
import shutil, subprocess, sys
sys.stdin.read()
subprocess.run(sys.argv[2:], stdin=subprocess.DEVNULL, check=False)
shutil.rmtree(sys.argv[1], ignore_errors=True)
"""


@contextmanager
def kept(directory: Path, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[None]:
    """Have `command` run and `directory` removed once this process is gone or the block is left."""
    keeper = subprocess.Popen(
        [sys.executable, "-c", _KEEPER, str(directory), *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        yield
    finally:
        keeper.communicate(timeout=60)
