import pytest
from tests.support.databases import Database


@pytest.mark.parametrize("role", ["migrator", "app", "ingest", "auditor"])
def test_every_role_logs_in_to_a_fresh_database(database: Database, role: str) -> None:
    with database.connect(role) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (f"muniment_{role}",)
