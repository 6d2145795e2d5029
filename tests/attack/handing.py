"""Attacks on what is handed over: files and views that the true installation did not make, or made at another time."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from muniment.core.entry import parse_entry
from muniment.core.keysnote import Cosigner, Revocation
from muniment.keys import FileSigner
from tests.attack.forging import ALL, rewritten, sealed_below
from tests.attack.lines import Material, closed, compose, opened
from tests.attack.rewriting import changed, failed_instead, relinked, resealed
from tests.attack.scene import EARLY, FIRST, KNOWN, LATE, PINNED, Caught, Scene
from tests.ledger.seal_world import NOW, World


def one_byte_edited(scene: Scene) -> bytes:
    lines = opened(scene.export())
    at = next(at for at, line in enumerate(lines) if line.startswith(b"E ") and b'"tool":"tool-6"' in line)
    lines[at] = lines[at].replace(b'"tool":"tool-6"', b'"tool":"tool-7"')
    return closed(lines)


def bundle_damaged(scene: Scene) -> bytes:
    """As an accident would: the closing digest is not mended."""
    return scene.export().replace(b'"tool":"tool-6"', b'"tool":"tool-7"')


def bundle_cut_off(scene: Scene) -> bytes:
    whole = scene.export()
    return whole[: whole.rindex(b"\nC ")]


def bundle_cut_at_an_older_checkpoint(scene: Scene) -> bytes:
    """Well closed: it is a true bundle of an older state."""
    material = scene.material()
    return compose(sealed_below(material, dict(material.notes), PINNED))


def bundle_cut_below_what_the_auditor_holds(scene: Scene) -> bytes:
    material = scene.material()
    return compose(sealed_below(material, dict(material.notes), FIRST))


def lines_of_two_entries_swapped(scene: Scene) -> bytes:
    material = scene.material()
    texts = list(material.texts)
    texts[EARLY], texts[EARLY + 1] = texts[EARLY + 1], texts[EARLY]
    return compose(replace(material, texts=tuple(texts)))


def entry_dropped_from_the_file(scene: Scene) -> bytes:
    material = scene.material()
    return compose(replace(material, texts=material.texts[:EARLY] + material.texts[EARLY + 1 :], bodies={}))


def body_left_out_of_the_file(scene: Scene) -> bytes:
    material = scene.material()
    return compose(replace(material, bodies={at: body for at, body in material.bodies.items() if at != EARLY}))


def entries_hidden_in_a_subtree(scene: Scene) -> bytes:
    return compose(scene.material(), hide=range(EARLY, EARLY + 2))


def held_checkpoint_hidden_in_a_subtree(scene: Scene) -> bytes:
    """Forged below what the auditor holds, and no boundary where it could be compared."""
    material = scene.material()
    forged = resealed(changed(material, EARLY, failed_instead), [KNOWN], scene.log_key, scene.region, NOW)
    return compose(forged, hide=range(16, 32))


def cosignatures_stripped(scene: Scene) -> bytes:
    material = scene.material()
    bare = replace(material, notes={})
    return compose(resealed(bare, ALL, scene.log_key, None, NOW))


def checkpoint_of_a_key_that_is_not_in_force(scene: Scene) -> bytes:
    return compose(
        resealed(replace(scene.material(), notes={}), ALL, scene.stranger(scene.origin, 1), scene.region, NOW)
    )


def no_keys_note(scene: Scene) -> bytes:
    return compose(replace(scene.material(), keys=()))


def log_of_another_tenant(scene: Scene) -> bytes:
    """True from end to end, and not the log that was asked for."""
    return compose(_other(scene)[0])


def log_of_another_tenant_relabelled(scene: Scene) -> bytes:
    """Every name in it is changed, everything linked anew, and signed with the key of the log that it comes from."""
    other, key = _other(scene)
    entries = [replace(parse_entry(text), log=scene.origin) for text in other.texts]
    material = Material(scene.origin, relinked(entries), other.bodies, {}, scene.material().keys)
    return compose(resealed(material, [len(entries)], scene.renamed(key), scene.region, NOW))


def older_keys_note_replayed(scene: Scene) -> bytes:
    """The log key was stolen, replaced and revoked; with the old note its signatures would count again."""
    stolen, old = scene.log_key, scene.material().keys
    _rotate(scene, revoked=[Revocation(stolen.verifier, NOW + 50)])
    scene.client(scene.export())
    return compose(_longer(scene, replace(scene.material(), keys=old), stolen, scene.region, NOW + 100))


def cosignature_backdated_by_a_revoked_cosigner(scene: Scene) -> bytes:
    """Its time is what the key's thief writes: only an anchor or a witness could contradict it."""
    stolen_region = scene.region
    fresh = scene.stranger("muniment.example/region-2", 4)
    scene.issue(revoked=[Revocation(stolen_region.verifier, NOW + 50)], cosigners=[Cosigner(fresh.verifier, NOW + 50)])
    return compose(_longer(scene, scene.material(), scene.log_key, stolen_region, NOW + 10))


def cosignature_after_its_revocation(scene: Scene) -> bytes:
    stolen_region = scene.region
    fresh = scene.stranger("muniment.example/region-2", 4)
    scene.issue(revoked=[Revocation(stolen_region.verifier, NOW + 50)], cosigners=[Cosigner(fresh.verifier, NOW + 50)])
    return compose(_longer(scene, scene.material(), scene.log_key, stolen_region, NOW + 100))


def another_view_for_another_client(scene: Scene) -> Mapping[str, Caught]:
    """Both views are signed with the true keys; the agent and the client are shown the one they have not seen."""
    true = scene.material()
    fork = rewritten(scene, LATE, failed_instead, scene.log_key, scene.region)
    caught = scene.readers(compose(fork))
    scene.put(fork)
    caught["shipper"] = scene.shipper()
    scene.put(true)
    return caught


def older_state_served_to_the_agent(scene: Scene) -> Mapping[str, Caught]:
    """For ever: what it sent since is never shown to be in the log."""
    true = scene.material()
    scene.put(sealed_below(true, dict(true.notes), PINNED))
    caught = {"shipper": scene.shipper()}
    scene.put(true)
    return caught


def agents_event_replaced_before_sealing(scene: Scene) -> Mapping[str, Caught]:
    """The receipt was given, the seal was not: the agent still has what it sent."""
    material = scene.material()
    places = range(KNOWN, len(material.texts))
    scene.put(replace(changed(material, KNOWN + 1, failed_instead), notes=material.notes))
    scene.seal()
    return {"shipper": scene.shipper(places), **scene.readers(scene.export())}


def _other(scene: Scene) -> tuple[Material, FileSigner]:
    other = World(scene.database, scene.directory / "installation", name="other")
    other.append(KNOWN)
    other.round()
    material = scene.material_of(other)
    key = other.ring.log_keys(other.origin)[0]
    other.close()
    return material, key


def _rotate(scene: Scene, **what: object) -> None:
    scene.issue(log_key=scene.world.ring.create_log_key(scene.origin).verifier, **what)
    scene.record(1)
    scene.seal()


def _longer(scene: Scene, material: Material, key: FileSigner, region: FileSigner, at: int) -> Material:
    """With a last entry of the attacker's."""
    entries = [parse_entry(text) for text in material.texts]
    last = replace(failed_instead(entries[KNOWN - 1]), recorded_at=entries[-1].recorded_at)
    forged = replace(material, texts=relinked([*entries, last]))
    return resealed(sealed_below(forged, dict(material.notes), KNOWN), [len(forged.texts)], key, region, at)


FILES: dict[str, Callable[[Scene], bytes]] = {
    attack.__name__: attack
    for attack in (
        one_byte_edited,
        bundle_damaged,
        bundle_cut_off,
        bundle_cut_at_an_older_checkpoint,
        bundle_cut_below_what_the_auditor_holds,
        lines_of_two_entries_swapped,
        entry_dropped_from_the_file,
        body_left_out_of_the_file,
        entries_hidden_in_a_subtree,
        held_checkpoint_hidden_in_a_subtree,
        cosignatures_stripped,
        checkpoint_of_a_key_that_is_not_in_force,
        no_keys_note,
        log_of_another_tenant,
        log_of_another_tenant_relabelled,
        older_keys_note_replayed,
        cosignature_backdated_by_a_revoked_cosigner,
        cosignature_after_its_revocation,
    )
}
VIEWS: dict[str, Callable[[Scene], Mapping[str, Caught]]] = {
    attack.__name__: attack
    for attack in (
        another_view_for_another_client,
        older_state_served_to_the_agent,
        agents_event_replaced_before_sealing,
    )
}
CHANGES_MORE = {
    attack.__name__
    for attack in (
        log_of_another_tenant,
        log_of_another_tenant_relabelled,
        older_keys_note_replayed,
        cosignature_after_its_revocation,
        cosignature_backdated_by_a_revoked_cosigner,
    )
}
"""Those that need a further log, or a keys note that the operator has issued since."""
