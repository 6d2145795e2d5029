"""What is not caught, and that the answer says so instead of claiming more."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from muniment.core.keysnote import Cosigner, LogKey
from muniment.ledger.audit_walks import walk_log
from muniment.verifier.bundle import verify_bundle
from muniment.verifier.pins import Pins
from muniment.verifier.report import Report
from muniment.verifier.standalone import muniment_verify
from tests.attack import damaging, handing
from tests.attack.forging import sealed_below
from tests.attack.lines import Material, compose
from tests.attack.rewriting import changed, failed_instead, resealed
from tests.attack.scene import EARLY, KNOWN, LATE, PINNED, Scene
from tests.ledger.seal_world import NOW, event
from tests.ledger.seal_world import rich as unnumbered
from tests.support.databases import Database


@pytest.fixture(scope="module")
def scene(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    made = Scene(module_database, tmp_path_factory.mktemp("limits"))
    yield made
    made.close()


@pytest.fixture
def own(database: Database, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(database, tmp_path)
    yield made
    made.close()


def walked(scene: Scene, *, full: bool) -> bool:
    """Walk as the server does, by the minute or by the hour; gives whether nothing was found."""
    world = scene.world
    pins = Pins(genesis=world.genesis, root=world.ring.root_verifier())
    return walk_log(world.conn, world.tenant, world.log, pins=pins, heads=world.heads, full=full).ok


def verified(bundle: bytes, pins: Pins) -> Report:
    report = verify_bundle(io.BytesIO(bundle), pins, workers=1)
    assert report.verdict == "verified", report.findings
    return report


def with_keys_of_its_own(scene: Scene, material: Material) -> Material:
    """Sealed at its end with keys that the attacker chose and, under the root's name, vouches for."""
    key, region = scene.stranger(scene.origin, 1), scene.stranger(scene.region.name, 4)
    note = scene.keys_note(
        scene.stranger(scene.world.ring.root().name, 1),
        logs=(LogKey(key.verifier, 0),),
        cosigners=(Cosigner(region.verifier, 0),),
    )
    return resealed(replace(material, notes={}, keys=(note,)), [KNOWN], key, region, NOW)


def standalone(scene: Scene, directory: Path, bundle: bytes, **pins: Any) -> tuple[str, str | None]:
    path = directory / "handed-over.bundle"
    path.write_bytes(bundle)
    found = muniment_verify.verify(str(path), muniment_verify.Pins(**pins))
    return found["verdict"], found["trust"]


def test_with_origin_and_genesis_alone_a_forged_rest_is_self_attested(scene: Scene, tmp_path: Path) -> None:
    forged = with_keys_of_its_own(scene, changed(scene.material(), EARLY, failed_instead))
    report = verified(compose(forged), Pins(origin=scene.origin, genesis=scene.world.genesis))
    assert report.trust == "self-attested"
    given = {"origin": scene.origin, "genesis": scene.world.genesis.hex()}
    assert standalone(scene, tmp_path, compose(forged), **given) == ("verified", "self-attested")


def test_behind_a_pinned_checkpoint_entries_under_chosen_keys_are_self_attested(scene: Scene, tmp_path: Path) -> None:
    forged = with_keys_of_its_own(scene, changed(scene.material(), LATE, failed_instead))
    report = verified(compose(forged), Pins(origin=scene.origin, checkpoint=scene.held))
    assert (report.trust, report.check("pin").state) == ("self-attested", "passed")
    assert f"the first {PINNED} entries are held" in report.trust_reason
    checkpoint = muniment_verify.Checkpoint(scene.origin, scene.held.size, scene.held.root)
    answer = standalone(scene, tmp_path, compose(forged), origin=scene.origin, checkpoint=checkpoint)
    assert answer == ("verified", "self-attested")


def test_without_any_pin_nothing_is_more_than_self_attested(scene: Scene, tmp_path: Path) -> None:
    assert verified(scene.export(), Pins()).trust == "self-attested"
    assert standalone(scene, tmp_path, scene.export()) == ("verified", "self-attested")


def test_a_part_of_a_log_is_never_called_the_whole(scene: Scene) -> None:
    report = verified(handing.entries_hidden_in_a_subtree(scene), scene.pins())
    assert report.entries == report.size - 2
    assert "not made for 3 pairs that are not present" in report.check("chain").reason


def test_bodies_that_are_not_disclosed_are_counted(scene: Scene) -> None:
    report = verified(handing.body_left_out_of_the_file(scene), scene.pins())
    assert "1 not disclosed" in report.check("bodies").reason


def test_an_older_state_says_how_far_it_goes(scene: Scene) -> None:
    material = scene.material()
    report = verified(compose(sealed_below(material, dict(material.notes), PINNED)), scene.pins())
    assert report.size == PINNED


def test_events_without_numbers_are_counted_because_no_gap_can_be_seen(scene: Scene) -> None:
    scene.world.append(submissions=[unnumbered(950, world="unnumbered")])
    scene.seal()
    source = event(950, world="unnumbered").source.id
    report = verified(scene.export(), scene.pins())
    assert any("no gap can be seen" in remark and source in remark for remark in report.remarks)


def test_the_walk_of_every_minute_does_not_read_again_what_the_last_one_read_and_that_of_every_hour_does(
    own: Scene,
) -> None:
    assert walked(own, full=True)
    damaging.edited_column(own)
    assert walked(own, full=False)
    assert not walked(own, full=True)
    assert not walked(own, full=False)


def test_a_forged_result_of_a_walk_misleads_the_next_short_walk_and_no_full_one(own: Scene) -> None:
    damaging.edited_column(own)
    assert not walked(own, full=True)
    report = {"size": own.held.size, "root": own.held.root.hex()}
    own.forge(f"UPDATE ledger.walks SET ok = true, broken_at = NULL, report = report || '{json.dumps(report)}'")
    assert walked(own, full=False)
    assert not walked(own, full=True)
