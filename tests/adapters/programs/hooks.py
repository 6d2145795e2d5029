"""Calls of `muniment hook`, each in a process of its own that is forked from one which has everything imported.

    python -m tests.adapters.programs.hooks DIRECTORY together|one-by-one

The directory holds `0.in`, `1.in` ... (standard input) and `0.argv`, `1.argv` ... (arguments, one a line); `0.out`,
`0.err` and `0.status` are written there.
"""

import os
import sys
from pathlib import Path

from muniment.agent.adapters import claude_code
from muniment.agent.spools import spool
from muniment.cli import hook, main

IMPORTED = (spool, claude_code, hook)


def call(directory: Path, number: int) -> int:
    child = os.fork()
    if child:
        return child
    for descriptor, name, flags in (
        (0, "in", os.O_RDONLY),
        (1, "out", os.O_WRONLY | os.O_CREAT),
        (2, "err", os.O_WRONLY | os.O_CREAT),
    ):
        os.dup2(os.open(directory / f"{number}.{name}", flags, 0o600), descriptor)
    main.main((directory / f"{number}.argv").read_text().splitlines())
    sys.exit(0)


def play(directory: Path, together: bool) -> None:
    waiting: dict[int, int] = {}
    for number in range(len(list(directory.glob("*.in")))):
        waiting[call(directory, number)] = number
        while waiting and not together:
            wait(directory, waiting)
    while waiting:
        wait(directory, waiting)


def wait(directory: Path, waiting: dict[int, int]) -> None:
    child, status = os.wait()
    (directory / f"{waiting.pop(child)}.status").write_text(str(os.waitstatus_to_exitcode(status)))


if __name__ == "__main__":
    play(Path(sys.argv[1]), sys.argv[2] == "together")
