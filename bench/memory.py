"""How much memory a process has taken."""

from pathlib import Path


def peak() -> int:
    """The most resident memory of this process since its program began, in KiB.

    Not `ru_maxrss`: there a program begins with what its parent held when it was started.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:"))
