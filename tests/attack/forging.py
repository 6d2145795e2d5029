"""Attacks by whoever rewrites the whole: database, perhaps keys, perhaps the sealer's file. All that is left agrees."""

from collections.abc import Callable
from dataclasses import replace

from muniment.core.entry import Entry, parse_entry
from muniment.core.keysnote import Cosigner, LogKey
from muniment.keys import Signer
from tests.attack.lines import Material
from tests.attack.rewriting import changed, failed_instead, relinked, resealed
from tests.attack.scene import EARLY, FIRST, KNOWN, LATE, PINNED, SIZE, UNSEEN, Scene

Forging = Callable[[Scene], None]
SECOND = 1_000_000
ALL = (FIRST, PINNED, KNOWN)


def sealed_below(material: Material, notes: dict[int, bytes], size: int) -> Material:
    """With the true checkpoints that still fit."""
    return replace(material, notes={at: note for at, note in notes.items() if at <= size})


def rewritten(scene: Scene, seq: int, change: Callable[[Entry], Entry], key: Signer, region: Signer | None) -> Material:
    """Another history from `seq` on, with all true seals before it and new ones after it."""
    material = scene.material()
    forged = sealed_below(changed(material, seq, change), dict(material.notes), seq)
    return resealed(forged, [size for size in ALL if size > seq], key, region, scene.world.clock)


def rechained_under_the_old_seals(scene: Scene) -> None:
    material = scene.material()
    scene.put(replace(changed(material, LATE, failed_instead), notes=material.notes))


def rechained_and_sealed_with_another_key(scene: Scene) -> None:
    key = scene.stranger(scene.origin, 1)
    scene.put(rewritten(scene, EARLY, failed_instead, key, scene.stranger(scene.world.ring.region().name, 4)))


def rechained_with_keys_of_another_root(scene: Scene) -> None:
    """Every key is the attacker's, the root as well: only who pinned the true root can tell."""
    key, region = scene.stranger(scene.origin, 1), scene.stranger(scene.world.ring.region().name, 4)
    forged = rewritten(scene, EARLY, failed_instead, key, region)
    note = scene.keys_note(
        scene.stranger(scene.world.ring.root().name, 1),
        logs=(LogKey(key.verifier, 0),),
        cosigners=(Cosigner(region.verifier, 0),),
    )
    scene.put(resealed(replace(forged, notes={}), ALL, key, region, scene.world.clock), keys={2: note})


def rechained_and_sealed_with_the_log_key(scene: Scene) -> None:
    scene.put(rewritten(scene, EARLY, failed_instead, scene.log_key, None))


def rechained_and_sealed_with_log_and_region_key(scene: Scene) -> None:
    scene.put(rewritten(scene, EARLY, failed_instead, scene.log_key, scene.world.ring.region()))


def _with_the_head_file(scene: Scene, forged: Material) -> None:
    scene.put(forged)
    scene.put_head(forged.notes[max(forged.notes)])


def rechained_sealed_and_head_file_replaced(scene: Scene) -> None:
    _with_the_head_file(scene, rewritten(scene, EARLY, failed_instead, scene.log_key, scene.world.ring.region()))


def rechained_after_what_the_auditor_holds(scene: Scene) -> None:
    _with_the_head_file(scene, rewritten(scene, LATE, failed_instead, scene.log_key, scene.world.ring.region()))


def entry_left_out_and_rechained(scene: Scene) -> None:
    material = scene.material()
    entries = [parse_entry(text) for at, text in enumerate(material.texts) if at != LATE]
    bodies = {at - (at > LATE): body for at, body in material.bodies.items() if at != LATE}
    forged = sealed_below(replace(material, texts=relinked(entries), bodies=bodies), dict(material.notes), LATE)
    _with_the_head_file(scene, resealed(forged, [KNOWN], scene.log_key, scene.world.ring.region(), scene.world.clock))


def tail_rewritten_that_nobody_has_seen(scene: Scene) -> None:
    material = scene.material()
    scene.put(replace(changed(material, UNSEEN, failed_instead), notes=material.notes))
    scene.seal()


def time_moved_back(scene: Scene) -> None:
    def earlier(entry: Entry) -> Entry:
        return replace(entry, recorded_at=entry.recorded_at - 3600 * SECOND)

    _with_the_head_file(scene, rewritten(scene, LATE, earlier, scene.log_key, scene.world.ring.region()))


def time_moved_forward(scene: Scene) -> None:
    """All entries from one on, so that time never falls."""
    material = scene.material()
    entries = [parse_entry(text) for text in material.texts]
    moved = [
        replace(entry, recorded_at=entry.recorded_at + 60 * SECOND) if entry.seq >= EARLY else entry
        for entry in entries
    ]
    forged = replace(material, texts=relinked(moved), notes={})
    _with_the_head_file(scene, resealed(forged, ALL, scene.log_key, scene.world.ring.region(), scene.world.clock))


def genesis_replaced(scene: Scene) -> None:
    def longer(entry: Entry) -> Entry:
        labels = tuple(label.replace("log.seal-within=60", "log.seal-within=9") for label in entry.event.labels)
        return replace(entry, event=replace(entry.event, labels=labels))

    _with_the_head_file(scene, rewritten(scene, 0, longer, scene.log_key, scene.world.ring.region()))


def backup_restored(scene: Scene) -> None:
    with scene.owned() as conn:
        scene.backup.restore(conn)


def backup_restored_with_the_head_file(scene: Scene) -> None:
    backup_restored(scene)
    scene.put_head(scene.head_at[PINNED])


def backup_restored_and_written_on(scene: Scene) -> None:
    """With the head file of that time, so that the sealer signs on in good faith."""
    backup_restored_with_the_head_file(scene)
    numbers, sent, receipts = scene.numbers, dict(scene.sent), dict(scene.receipts)
    scene.numbers = (PINNED - scene.world.first - 1, scene.event_hash_at(PINNED - 1))
    submissions = [scene.submission(body=b'{"another":"history"}') for _ in range(SIZE - PINNED)]
    scene.world.append(submissions=submissions)
    scene.numbers, scene.sent, scene.receipts = numbers, sent, receipts
    scene.seal()


def event_withheld_by_its_source(scene: Scene) -> None:
    scene.record(1, skip=1)
    scene.seal()


ATTACKS: dict[str, Forging] = {
    attack.__name__: attack
    for attack in (
        rechained_under_the_old_seals,
        rechained_and_sealed_with_another_key,
        rechained_with_keys_of_another_root,
        rechained_and_sealed_with_the_log_key,
        rechained_and_sealed_with_log_and_region_key,
        rechained_sealed_and_head_file_replaced,
        rechained_after_what_the_auditor_holds,
        entry_left_out_and_rechained,
        tail_rewritten_that_nobody_has_seen,
        time_moved_back,
        time_moved_forward,
        genesis_replaced,
        backup_restored,
        backup_restored_with_the_head_file,
        backup_restored_and_written_on,
        event_withheld_by_its_source,
    )
}
