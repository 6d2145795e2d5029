"""The ground that database benchmarks stand on: the embedded PostgreSQL with the settings it ships with, fsync on."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from muniment.ledger.embedded import EmbeddedPostgres, reachable_directory
from tests.support.databases import Database, Databases


@contextmanager
def databases() -> Iterator[Databases]:
    """A durable cluster in a throw-away folder, with the migrated template that databases are copied from."""
    directory = reachable_directory("muniment-bench-")
    cluster = EmbeddedPostgres(directory / "postgres")
    cluster.start()
    try:
        yield Databases(cluster)
    finally:
        cluster.stop()
        shutil.rmtree(directory)


@contextmanager
def database() -> Iterator[Database]:
    """One migrated database on a cluster of its own."""
    with databases() as ground, ground.fresh() as fresh:
        yield fresh
