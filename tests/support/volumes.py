"""A second volume: the shared-memory file system, which every Linux has and which is never that of the tests' files."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def directory_on_another_volume() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="muniment-volume-", dir="/dev/shm") as name:
        found = Path(name)
        assert found.stat().st_dev != Path(tempfile.gettempdir()).stat().st_dev
        yield found
