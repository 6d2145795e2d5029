"""A tenant with a log, and a real authority on loopback."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from muniment.anchors.authorities import Authority
from muniment.ledger.tenants import LogSize, all_logs
from muniment.server.runtime import Places
from tests.ledger.seal_world import World
from tests.support.databases import Database
from tests.support.tsa import Served, Tsa, serving


@pytest.fixture(scope="session")
def tsa(tmp_path_factory: pytest.TempPathFactory) -> Tsa:
    return Tsa(tmp_path_factory.mktemp("tsa"))


@pytest.fixture
def served(tsa: Tsa) -> Iterator[Served]:
    with serving(tsa) as made:
        yield made


@pytest.fixture
def authority(tsa: Tsa, served: Served) -> Authority:
    return Authority("here", served.url, (tsa.root,))


@dataclasses.dataclass
class Anchored:
    """A world of a log whose installation has one authority."""

    world: World
    tsa: Tsa
    served: Served
    places: Places

    def configure(self, text: str = "", *, every: str = "1m") -> None:
        file = self.places.home / "anchors.toml"
        lines = f'every = "{every}"\n[[authority]]\nname = "here"\nurl = "{self.served.url}"\n'
        file.write_text(lines + f'pinned = "{self.tsa.root_file}"\n{text}')

    @property
    def log(self) -> LogSize:
        with self.world.conn.transaction():
            return next(log for log in all_logs(self.world.conn) if log.log_id == self.world.log)


@pytest.fixture
def anchored(database: Database, tmp_path: Path, tsa: Tsa, served: Served) -> Iterator[Anchored]:
    world = World(database, tmp_path)
    home = tmp_path / "home"
    home.mkdir()
    made = Anchored(world, tsa, served, Places(home, tmp_path / "keys", tmp_path / "heads"))
    made.configure()
    yield made
    world.close()
