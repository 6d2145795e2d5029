"""Where the key encryption key may stand, and what happens when it is lost: real starts."""

from pathlib import Path

import httpx
import psycopg
import pytest

from muniment.keys import FileKek
from muniment.ledger.tenants import all_logs
from muniment.server.installation import Database
from muniment.server.installation_kek import SharedVolume, choose_mode
from muniment.server.runtime import Places, server_is_running
from tests.support.databases import running_cluster
from tests.support.installations import Installation

pytestmark = pytest.mark.long


def is_evaluation(of: Installation) -> bool:
    environment = Path(f"/proc/{of.server().pid}/environ").read_bytes().split(b"\0")
    return b"MUNIMENT_EVALUATION=1" in environment


def seal_something(of: Installation) -> None:
    """Store a data key under the installation's key encryption key, as the first secret does."""
    with psycopg.connect(of.places.database_url("app"), autocommit=True) as connection, connection.transaction():
        tenant = str(all_logs(connection)[0].tenant_id)
        connection.execute("SELECT set_config('muniment.tenant', %s, true)", [tenant])
        connection.execute(
            "INSERT INTO django.tenants_datakey (tenant_id, number, kek_id, wrapped, created_at) "
            "VALUES (%s, 1, %s, 'wrapped', now())",
            [tenant, FileKek.load(of.places.kek).key_id],
        )


def test_with_nothing_configured_it_is_an_evaluation_and_says_so(stopped: Installation) -> None:
    said = stopped.up()
    assert "EVALUATION, because nothing was configured, and the keys stand on the database's volume" in said
    assert is_evaluation(stopped)
    assert FileKek.load(stopped.places.kek)


def test_a_lost_or_exchanged_key_encryption_key_is_not_replaced_in_silence(stopped: Installation) -> None:
    stopped.up()
    seal_something(stopped)
    stopped.run("down")
    kept = stopped.places.kek.rename(stopped.home / "kept")
    assert "is gone, and the secrets in the database need it: put the file back" in stopped.run("up", code=1)
    assert not stopped.places.kek.exists()
    FileKek.create(stopped.places.kek)
    assert "put that one back" in stopped.run("up", code=1)
    kept.replace(stopped.places.kek)
    stopped.up()


def test_keys_that_were_configured_may_not_stand_on_the_databases_volume(home: Installation) -> None:
    home.environment["MUNIMENT_KEYS"] = str(home.home.parent / "keys")
    said = home.run("up", "--detach", code=2)
    assert "would stand on the volume of the database" in said
    assert "--evaluation" in said
    assert not home.places.kek.exists()
    assert not server_is_running(home.places)
    assert not (home.places.postgres / "data" / "postmaster.pid").exists()
    assert "EVALUATION, because it was asked for" in home.run("up", "--detach", "--evaluation")
    assert is_evaluation(home)


def test_a_link_to_the_databases_volume_is_not_another_volume(home: Installation, other_volume: Path) -> None:
    (home.home.parent / "keys").mkdir()
    (other_volume / "keys").symlink_to(home.home.parent / "keys")
    home.environment["MUNIMENT_KEYS"] = str(other_volume / "keys")
    assert "would stand on the volume of the database" in home.run("up", code=2)


def test_keys_on_another_volume_are_production(home: Installation, other_volume: Path) -> None:
    home.environment["MUNIMENT_KEYS"] = str(other_volume / "keys")
    said = home.up()
    assert "EVALUATION" not in said
    assert not is_evaluation(home)
    assert httpx.get(f"{home.server().url}/healthz", trust_env=False).status_code == 200
    assert not (home.home / "keys").exists()


def test_a_key_encryption_key_that_others_may_read_stops_the_start(stopped: Installation) -> None:
    stopped.places.kek.chmod(0o640)
    assert "chmod 600" in stopped.run("up", code=1)
    assert not (stopped.places.postgres / "data" / "postmaster.pid").exists()


def test_of_ones_own_database_its_directory_is_compared_when_it_can_be_seen(other_volume: Path) -> None:
    with running_cluster() as own:
        admin = own.url()
        with psycopg.connect(admin, autocommit=True) as connection:
            connection.execute("CREATE ROLE nobody_special LOGIN PASSWORD 'a password'")
        beside = places_with_keys(own.directory.parent / "keys")
        database = Database({"app": own.url(user="nobody_special", password="a password")}, None, ())
        configured = {"DATABASE_URL": admin}
        with pytest.raises(SharedVolume, match="would stand on the volume of the database"):
            choose_mode(beside, database, configured, asked=False, admin_url=admin)
        assert choose_mode(beside, database, configured, asked=True, admin_url=admin).evaluation
        apart = choose_mode(places_with_keys(other_volume), database, configured, asked=False, admin_url=admin)
        assert (apart.evaluation, apart.said) == (False, "")
        unseen = choose_mode(beside, database, {}, asked=False)
        assert not unseen.evaluation
        assert "the database does not say where its files are" in unseen.said


def places_with_keys(keys: Path) -> Places:
    return Places(keys.parent, keys, keys.parent / "heads")
