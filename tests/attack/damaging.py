"""Attacks on rows, by whoever is above the triggers: what stands in the database afterwards does not fit together."""

from collections.abc import Callable
from dataclasses import replace

from muniment.cli.demo import insider
from muniment.core.checkpoint import Checkpoint
from muniment.core.entry import entry_hash
from muniment.core.note import Note, parse_note
from muniment.keys import cosign_checkpoint
from tests.attack.refusing import partition
from tests.attack.scene import EARLY, KNOWN, PINNED, SIZE, Scene
from tests.ledger.seal_world import World

Damaging = Callable[[Scene], None]
AT = f"WHERE seq = {EARLY}"


def edited_body(scene: Scene) -> None:
    scene.forge(f"UPDATE ledger.bodies SET body = overlay(body placing 'x'::bytea from 3) {AT}")


def edited_salt(scene: Scene) -> None:
    scene.forge(f"UPDATE ledger.bodies SET salt = sha256(salt) {AT}")


def bodies_of_two_entries_swapped(scene: Scene) -> None:
    scene.forge(
        f"UPDATE ledger.bodies b SET salt = o.salt, body = o.body FROM ledger.bodies o "
        f"WHERE (b.seq, o.seq) IN (({EARLY}, {EARLY + 1}), ({EARLY + 1}, {EARLY}))"
    )


def body_erased_in_silence(scene: Scene) -> None:
    scene.forge(f"UPDATE ledger.bodies SET state = 'erased', salt = NULL, body = NULL {AT}")


def edited_text(scene: Scene) -> None:
    scene.forge(f"UPDATE ledger.entries SET entry = replace(entry, '\"success\"', '\"failure\"') {AT}")


def edited_text_and_hash(scene: Scene) -> None:
    scene.forge(
        f"UPDATE ledger.entries SET entry = replace(entry, '\"success\"', '\"failure\"') {AT}",
        f"UPDATE ledger.entries SET entry_hash = sha256('\\x00'::bytea || convert_to(entry, 'UTF8')) {AT}",
    )


def text_made_not_canonical(scene: Scene) -> None:
    scene.forge(f"UPDATE ledger.entries SET entry = replace(entry, '\"seq\":', '\"seq\": ') {AT}")


def edited_column(scene: Scene) -> None:
    """As the owner, who has switched the triggers off with ALTER TABLE."""
    with scene.owned() as conn:
        conn.execute("SET ROLE muniment_owner")
        conn.execute("SELECT set_config('muniment.tenant', %s, true)", [str(scene.world.tenant)])
        for table in ("entries", partition(scene)):
            conn.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER USER")
        assert conn.execute(f"UPDATE ledger.entries SET actor_id = 'agent:other' {AT}").rowcount == 1
        for table in ("entries", partition(scene)):
            conn.execute(f"ALTER TABLE ledger.{table} ENABLE TRIGGER USER")


def edited_control_index(scene: Scene) -> None:
    scene.forge(f"DELETE FROM ledger.entry_controls {AT}")


def edited_label_index(scene: Scene) -> None:
    scene.forge(f"UPDATE ledger.entry_labels SET label = 'env=test' {AT}")


def event_id_freed_for_other_content(scene: Scene) -> None:
    scene.forge(f"DELETE FROM ledger.event_ids {AT}")


def deleted_entry(scene: Scene) -> None:
    scene.forge(f"DELETE FROM ledger.entries {AT}")


def swapped_entries(scene: Scene) -> None:
    scene.forge(
        f"UPDATE ledger.entries SET seq = -1 {AT}",
        f"UPDATE ledger.entries SET seq = {EARLY} WHERE seq = {EARLY + 1}",
        f"UPDATE ledger.entries SET seq = {EARLY + 1} WHERE seq = -1",
    )


def inserted_entry(scene: Scene) -> None:
    scene.forge(
        f"UPDATE ledger.entries SET seq = -seq - 1 WHERE seq > {EARLY}",
        "UPDATE ledger.entries SET seq = -seq WHERE seq < 0",
        f"CREATE TABLE public.one AS SELECT * FROM ledger.entries {AT}",
        f"UPDATE public.one SET seq = {EARLY + 1}",
        "INSERT INTO ledger.entries SELECT * FROM public.one",
        "UPDATE ledger.heads SET size = size + 1",
    )


def duplicated_entry(scene: Scene) -> None:
    scene.forge(
        f"CREATE TABLE public.one AS SELECT * FROM ledger.entries {AT}",
        "UPDATE public.one SET recorded_at = recorded_at + interval '1 microsecond'",
        "INSERT INTO ledger.entries SELECT * FROM public.one",
    )


def entry_of_another_tenant(scene: Scene) -> None:
    other = World(scene.database, scene.directory / "installation", name="other")
    other.append(EARLY)
    other.close()
    scene.forge(
        f"UPDATE ledger.entries mine SET entry = theirs.entry, entry_hash = theirs.entry_hash, prev = theirs.prev "
        f"FROM ledger.entries theirs WHERE mine.log_id = {scene.world.log} AND theirs.log_id = {other.log} "
        f"AND mine.seq = {EARLY} AND theirs.seq = {EARLY}"
    )


def cut_tail(scene: Scene) -> None:
    scene.forge(f"DELETE FROM ledger.entries WHERE seq >= {PINNED + 2}")


def cut_tail_with_head_row_and_seals(scene: Scene) -> None:
    with scene.owned() as conn:
        assert insider.cut_tail(conn, scene.world.log, SIZE - PINNED - 1) == PINNED


def partition_detached(scene: Scene) -> None:
    """By the owner, without any need to switch triggers off."""
    name = partition(scene)
    with scene.owned() as conn:
        conn.execute("SET ROLE muniment_owner")
        conn.execute(f"ALTER TABLE ledger.entries DETACH PARTITION ledger.{name}")


def partition_emptied(scene: Scene) -> None:
    scene.forge(f"TRUNCATE ledger.{partition(scene)}")


def edge_of_the_tree_edited(scene: Scene) -> None:
    scene.forge(
        "UPDATE ledger.tree_edges SET edge[1] = overlay(edge[1] placing sha256('x') from 1 + 32 * " + f"{EARLY})"
    )


def tile_edited(scene: Scene) -> None:
    scene.record(300)
    scene.seal()
    scene.forge(f"UPDATE ledger.tiles SET hashes = overlay(hashes placing sha256('x') from 1 + 32 * {EARLY})")


def signature_removed(scene: Scene) -> None:
    scene.forge(f"DELETE FROM ledger.signatures WHERE size = {KNOWN} AND position = 0")


def cosignature_removed(scene: Scene) -> None:
    scene.forge(f"DELETE FROM ledger.signatures WHERE size = {KNOWN} AND position = 1")


def cosignature_forged(scene: Scene) -> None:
    """The region's name and key id over a signature that its key never made."""
    scene.forge(
        f"UPDATE ledger.signatures SET signature = overlay(signature placing sha256('x') from 20) "
        f"WHERE size = {KNOWN} AND position = 1"
    )


def cosignature_of_a_stranger(scene: Scene) -> None:
    stranger = scene.stranger(scene.world.ring.region().name, 4)
    note = scene.material().notes[KNOWN]
    line = cosign_checkpoint(stranger, Checkpoint(scene.origin, *scene.checkpoint_of(note)), scene.world.clock)
    with scene.owned() as conn:
        conn.execute("SET LOCAL session_replication_role = replica")
        conn.execute(
            f"UPDATE ledger.signatures SET signature = %s, key_id = %s WHERE size = {KNOWN} AND position = 1",
            [line.signature, line.key_id],
        )


def checkpoint_forged(scene: Scene) -> None:
    """Between two true ones, with the signatures of one of them."""
    size = KNOWN - 3
    material = scene.material()
    true = parse_note(material.notes[KNOWN])
    root = entry_hash(material.texts[size])
    scene.put_checkpoint(Note(Checkpoint(scene.origin, size, root).text(), true.signatures).encoded())


def checkpoint_forged_with_the_application_role(scene: Scene) -> None:
    """The application may call seal(): the database cannot tell whose signature it is handed."""
    material = scene.material()
    leaves = [entry_hash(text) for text in material.texts]
    with scene.app() as conn:
        [(published,)] = conn.execute(
            "SELECT ledger.seal(%s, %s, %s, %s, %s, '{}', '{}', '{}', %s, %s, %s)",
            [scene.world.log, KNOWN, SIZE, leaves[0], [b"".join(leaves)], [scene.origin], [b"fake"], [bytes(64)]],
        ).fetchall()
        assert published


def newest_checkpoint_removed(scene: Scene) -> None:
    """With the stored tree taken back, so that an older checkpoint is offered as the newest."""
    material = scene.material()
    notes = {size: note for size, note in material.notes.items() if size < KNOWN}
    scene.put(replace(material, notes=notes))


def keys_note_of_another_root(scene: Scene) -> None:
    note = scene.keys_note(scene.stranger(scene.world.ring.root().name, 1))
    scene.forge("UPDATE ledger.keys_notes SET note = $note$" + note.decode() + "$note$")


ATTACKS: dict[str, Damaging] = {
    attack.__name__: attack
    for attack in (
        edited_body,
        edited_salt,
        bodies_of_two_entries_swapped,
        body_erased_in_silence,
        edited_text,
        edited_text_and_hash,
        text_made_not_canonical,
        edited_column,
        edited_control_index,
        edited_label_index,
        event_id_freed_for_other_content,
        deleted_entry,
        swapped_entries,
        inserted_entry,
        duplicated_entry,
        entry_of_another_tenant,
        cut_tail,
        cut_tail_with_head_row_and_seals,
        partition_detached,
        partition_emptied,
        edge_of_the_tree_edited,
        tile_edited,
        signature_removed,
        cosignature_removed,
        cosignature_forged,
        cosignature_of_a_stranger,
        checkpoint_forged,
        checkpoint_forged_with_the_application_role,
        newest_checkpoint_removed,
        keys_note_of_another_root,
    )
}
