"""Whether two places stand on one volume, and so in one snapshot, one backup and one stolen disk."""

from pathlib import Path

from muniment.core.errors import Refused


def same_volume(a: Path, b: Path) -> bool:
    """Whether two places stand on the same mounted file system.

    A place that does not exist yet is judged by its nearest directory that does; links are followed. Two file systems
    on one disk count as two volumes, and so do two subvolumes of one btrfs: the system gives each its own number.

    Args:
        a: a file or directory, there or to come.
        b: another.

    Raises:
        Refused: if this user may not look where one of them stands.

    Source: POSIX `stat`, st_dev.
    """
    return _device(a) == _device(b)


def _device(path: Path) -> int:
    try:
        place = path.resolve()
        while True:
            try:
                return place.stat().st_dev
            except (FileNotFoundError, NotADirectoryError):
                place = place.parent
    except (OSError, RuntimeError) as error:
        raise Refused(f"cannot tell on which volume this stands: {error}", str(path)) from error
