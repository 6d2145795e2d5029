"""Attacks that the database refuses. Each gives the name of what refused it; nothing in the log may have changed."""

from collections.abc import Callable
from re import findall

import psycopg

from muniment.core.errors import Refused
from muniment.core.event import Source
from muniment.ledger.apikeys import create_api_key
from muniment.ledger.append import append
from muniment.ledger.audit_columns import COLUMNS
from muniment.ledger.connection import tenant_transaction
from muniment.ledger.receipt import BodyErased, Conflict, Known, Outcome, Recorded, Refusal
from muniment.ledger.submission import Submission
from tests.attack.scene import EARLY, UNSEEN, Caught, Scene
from tests.ledger.seal_world import World, event, rich

Refusing = Callable[[Scene], Caught]


def who_refused(error: psycopg.Error) -> str:
    """The grant, the constraint, or the function of the ledger that refused."""
    if "permission denied" in str(error):
        return "grant"
    if error.diag.constraint_name:
        return "constraint"
    functions = findall(r"PL/pgSQL function ledger\.(\w+)", error.diag.context or "")
    return functions[0] if functions else f"unknown: {error}"


def tried(scene: Scene, statement: str, *, role: str = "owner", triggers: bool = True) -> Caught:
    """One statement as a role of the database; with `owner`, as whoever owns the tables."""
    with scene.database.connect("superuser" if role == "owner" else role) as conn:
        conn.execute("SELECT set_config('muniment.tenant', %s, false)", [str(scene.world.tenant)])
        if not triggers:
            conn.execute("SET session_replication_role = replica")
        elif role == "owner":
            conn.execute("SET ROLE muniment_owner")
        try:
            done = conn.execute(statement)
        except psycopg.Error as error:
            conn.rollback()
            return frozenset({who_refused(error)})
        assert done.rowcount, "the statement met no row, so nothing was tried"
        conn.rollback()
    return frozenset()


def handed_in(scene: Scene, key: str, submission: Submission, log: int | None = None) -> Caught:
    """What the ledger answers to one event that comes in with an API key."""
    try:
        with scene.database.connect("ingest", autocommit=True) as conn:
            [outcome] = append(
                conn,
                key_id=key,
                log_id=log or scene.world.log,
                submissions=[submission],
                controls=[()],
                mapping="base-1",
            )
    except Refused:
        return frozenset({"key"})
    return frozenset({_named(outcome)} - {""})


def _named(outcome: Outcome) -> str:
    match outcome:
        case Conflict():
            return "conflict"
        case Known() | BodyErased():
            return "first receipt"
        case Refusal(field=field):
            return field
        case Recorded():
            return ""


def new_key(scene: Scene, scope: str = "append") -> str:
    with tenant_transaction(scene.world.conn, scene.world.tenant):
        return create_api_key(
            scene.world.conn,
            by="system:muniment",
            log_id=scene.world.log,
            scope="read" if scope == "read" else "append",
            label="stolen",
        ).key_id


# --- over the network ------------------------------------------------------------------------------------------------


def event_id_reused_for_other_content(scene: Scene) -> Caught:
    other = event(3, world=scene.world.name, outcome="denied")
    return handed_in(scene, scene.world.key, Submission(other))


def event_sent_again(scene: Scene) -> Caught:
    return handed_in(scene, scene.world.key, scene.first_submission())


def event_replayed_under_another_key(scene: Scene) -> Caught:
    return handed_in(scene, new_key(scene), scene.first_submission())


def event_for_the_source_of_another_key(scene: Scene) -> Caught:
    numbers = scene.numbers
    try:
        return handed_in(scene, new_key(scene), scene.submission())
    finally:
        scene.numbers = numbers


def event_in_the_ledgers_own_name(scene: Scene) -> Caught:
    with scene.owned() as conn:
        [(own,)] = conn.execute("SELECT system_source FROM ledger.logs WHERE log_id = %s", [scene.world.log]).fetchall()
    return handed_in(scene, new_key(scene), Submission(event(900, source=Source(own))))


def append_with_a_read_key(scene: Scene) -> Caught:
    return handed_in(scene, new_key(scene, "read"), rich(901, world="stolen"))


def append_to_the_log_of_another_tenant(scene: Scene) -> Caught:
    other = World(scene.database, scene.directory / "installation", name="other")
    other.close()
    return handed_in(scene, scene.world.key, rich(902, world="stolen"), log=other.log)


# --- with a role of the database -------------------------------------------------------------------------------------


def ingest_role_writes_an_entry_itself(scene: Scene) -> Caught:
    row = "SELECT * FROM ledger.entries LIMIT 1"
    return tried(scene, f"INSERT INTO ledger.entries {row}", role="ingest")


def ingest_role_hands_in_unsorted_labels(scene: Scene) -> Caught:
    """Through the function it may call: sorted by nobody, the text would not be canonical."""
    values = [
        "'evt_01KAJ000000000000000000000'", "'tool.call'", "'agent'", "'agent:x'", "'success'", "'1'",
        "'src_01KAJ000000000000000000000'", *["NULL"] * 9, "E'b=1\\ta=1'", *["NULL"] * 5, "NULL",
        "NULL", "NULL", "NULL", "NULL",
    ]  # fmt: skip
    statement = (
        f"SELECT (ledger.append('{scene.world.key}', {scene.world.log}, 'base-1', 1, {', '.join(values)})).refused"
    )
    with scene.database.connect("ingest") as conn:
        [(refused,)] = conn.execute(statement).fetchall()
    return frozenset(one["field"] for one in refused or ())


def app_role_edits_an_entry(scene: Scene) -> Caught:
    return tried(scene, f"UPDATE ledger.entries SET outcome = 'denied' WHERE seq = {EARLY}", role="app")


def app_role_deletes_an_entry(scene: Scene) -> Caught:
    return tried(scene, f"DELETE FROM ledger.entries WHERE seq = {UNSEEN}", role="app")


def app_role_lowers_the_head(scene: Scene) -> Caught:
    return tried(scene, "UPDATE ledger.heads SET size = size - 1", role="app")


def app_role_edits_a_body(scene: Scene) -> Caught:
    return tried(scene, f"UPDATE ledger.bodies SET body = '' WHERE seq = {EARLY}", role="app")


def auditor_role_writes(scene: Scene) -> Caught:
    return tried(scene, f"UPDATE ledger.entries SET outcome = 'denied' WHERE seq = {EARLY}", role="auditor")


def owner_edits_an_entry(scene: Scene) -> Caught:
    return tried(scene, f"UPDATE ledger.entries SET outcome = 'denied' WHERE seq = {EARLY}")


def owner_deletes_the_newest_entry(scene: Scene) -> Caught:
    return tried(scene, "DELETE FROM ledger.entries WHERE seq = (SELECT size - 1 FROM ledger.heads)")


def owner_empties_a_partition(scene: Scene) -> Caught:
    return tried(scene, f"TRUNCATE ledger.{partition(scene)}")


def owner_lowers_the_head(scene: Scene) -> Caught:
    return tried(scene, "UPDATE ledger.heads SET size = size - 1")


def owner_inserts_an_entry_twice(scene: Scene) -> Caught:
    return tried(scene, f"INSERT INTO ledger.entries {_copy('seq = seq')}")


def owner_inserts_an_entry_of_the_past(scene: Scene) -> Caught:
    return tried(scene, f"INSERT INTO ledger.entries {_copy('recorded_at = recorded_at - interval $$1 minute$$')}")


def owner_inserts_an_entry_of_the_future(scene: Scene) -> Caught:
    return tried(scene, f"INSERT INTO ledger.entries {_copy('recorded_at = recorded_at + interval $$1 hour$$')}")


def owner_edits_a_body(scene: Scene) -> Caught:
    return tried(scene, f"UPDATE ledger.bodies SET body = '' WHERE seq = {EARLY}")


def owner_erases_a_body_in_silence(scene: Scene) -> Caught:
    return tried(scene, f"UPDATE ledger.bodies SET state = 'erased', salt = NULL, body = NULL WHERE seq = {EARLY}")


def owner_renames_the_log(scene: Scene) -> Caught:
    return tried(scene, "UPDATE ledger.logs SET origin = 'muniment.example/log/renamed'")


def owner_replaces_a_checkpoint(scene: Scene) -> Caught:
    return tried(scene, "UPDATE ledger.checkpoints SET root = sha256(root)")


def owner_revives_a_revoked_key(scene: Scene) -> Caught:
    key = new_key(scene)
    with tenant_transaction(scene.world.conn, scene.world.tenant):
        scene.world.conn.execute(
            "SELECT ledger.revoke_api_key('system:muniment', %s, %s, 'base-1', NULL)", [scene.world.log, key]
        )
    return tried(scene, f"UPDATE ledger.api_keys SET revoked_at = NULL WHERE key_id = '{key}'")


def body_and_salt_cut_at_another_place(scene: Scene) -> Caught:
    """Salt and body are hashed one behind the other; with another border between them they would still match."""
    edit = "UPDATE ledger.bodies SET salt = salt || substr(body, 1, 1), body = substr(body, 2)"
    return tried(scene, f"{edit} WHERE seq = {EARLY}", triggers=False)


def partition(scene: Scene) -> str:
    """The partition that holds the entries."""
    with scene.owned() as conn:
        [(name,)] = conn.execute("SELECT DISTINCT tableoid::regclass::text FROM ledger.entries").fetchall()
    return str(name).removeprefix("ledger.")


def _copy(change: str) -> str:
    name, _, value = change.partition(" = ")
    columns = ", ".join(("log_id", "tenant_id", "seq", *COLUMNS, "entry"))
    chosen = ", ".join(value if column == name else column for column in columns.split(", "))
    return f"({columns}) SELECT {chosen} FROM ledger.entries WHERE seq = (SELECT size - 1 FROM ledger.heads)"


ATTACKS: dict[str, Refusing] = {
    attack.__name__: attack
    for attack in (
        event_id_reused_for_other_content,
        event_sent_again,
        event_replayed_under_another_key,
        event_for_the_source_of_another_key,
        event_in_the_ledgers_own_name,
        append_with_a_read_key,
        append_to_the_log_of_another_tenant,
        ingest_role_writes_an_entry_itself,
        ingest_role_hands_in_unsorted_labels,
        app_role_edits_an_entry,
        app_role_deletes_an_entry,
        app_role_lowers_the_head,
        app_role_edits_a_body,
        auditor_role_writes,
        owner_edits_an_entry,
        owner_deletes_the_newest_entry,
        owner_empties_a_partition,
        owner_lowers_the_head,
        owner_inserts_an_entry_twice,
        owner_inserts_an_entry_of_the_past,
        owner_inserts_an_entry_of_the_future,
        owner_edits_a_body,
        owner_erases_a_body_in_silence,
        owner_renames_the_log,
        owner_replaces_a_checkpoint,
        owner_revives_a_revoked_key,
        body_and_salt_cut_at_another_place,
    )
}
