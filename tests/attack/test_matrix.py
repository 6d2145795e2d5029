"""Every attack of the matrix, performed on a real log, and every layer asked whether it catches it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack import damaging, forging, handing, refusing
from tests.attack.layers import EVERYBODY, READERS, Attack
from tests.attack.matrix import DAMAGED, FORGED, HANDED, MATRIX, REFUSED, SHOWN
from tests.attack.scene import Caught, Scene
from tests.support.databases import Database, Databases


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(database, tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def untouched(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One scene for all attacks that are refused: none of them may leave a trace."""
    made = Scene(module_database, tmp_path_factory.mktemp("untouched"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def read_only(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One scene for all files that are forged beside an installation which stays as it is."""
    with databases.fresh() as database:
        made = Scene(database, tmp_path_factory.mktemp("read-only"))
        yield made
        made.close()


def names(attacks: tuple[Attack, ...]) -> list[str]:
    return [attack.name for attack in attacks]


def hold(attack: Attack, observed: dict[str, Caught]) -> None:
    """Both directions: what the row says is caught, and what it says is not."""
    assert set(observed) == {*attack.caught_by, *attack.not_caught_by}
    for layer, check in attack.caught_by.items():
        assert check in observed[layer], f"{layer} should have caught it by {check}, and says {observed[layer]}"
    missed = {layer: observed[layer] for layer in attack.not_caught_by if observed[layer]}
    assert not missed, f"the row says that these do not catch it: {missed}"


def test_a_log_that_nobody_attacked_passes_everywhere(scene: Scene) -> None:
    assert scene.everybody() == dict.fromkeys(EVERYBODY, frozenset())


def test_what_an_attacker_writes_from_true_rows_passes_everywhere(scene: Scene) -> None:
    """The control of the attackers' own tools: without the change, what they write is sound."""
    scene.put(scene.material())
    assert scene.everybody() == dict.fromkeys(EVERYBODY, frozenset())


@pytest.mark.parametrize("attack", REFUSED, ids=names(REFUSED))
def test_the_database_refuses(untouched: Scene, attack: Attack) -> None:
    before = untouched.material().texts
    hold(attack, {"database": refusing.ATTACKS[attack.name](untouched)})
    assert untouched.material().texts[: len(before)] == before
    assert untouched.everybody() == dict.fromkeys(EVERYBODY, frozenset())


@pytest.mark.parametrize("attack", DAMAGED, ids=names(DAMAGED))
def test_damaged_rows_are_caught(scene: Scene, attack: Attack) -> None:
    damaging.ATTACKS[attack.name](scene)
    hold(attack, {"database": frozenset(), **scene.everybody()})


@pytest.mark.parametrize("attack", FORGED, ids=names(FORGED))
def test_forged_histories_are_caught(scene: Scene, attack: Attack) -> None:
    forging.ATTACKS[attack.name](scene)
    hold(attack, {"database": frozenset(), **scene.everybody()})


@pytest.mark.parametrize("attack", HANDED, ids=names(HANDED))
def test_forged_files_are_caught(request: pytest.FixtureRequest, attack: Attack) -> None:
    scene: Scene = request.getfixturevalue("scene" if attack.name in handing.CHANGES_MORE else "read_only")
    bundle = handing.FILES[attack.name](scene)
    hold(attack, scene.readers(bundle))


@pytest.mark.parametrize("attack", SHOWN, ids=names(SHOWN))
def test_forged_views_are_caught(scene: Scene, attack: Attack) -> None:
    hold(attack, dict(handing.VIEWS[attack.name](scene)))


def test_every_row_has_its_attack_and_every_attack_its_row() -> None:
    tables = (refusing.ATTACKS, damaging.ATTACKS, forging.ATTACKS, handing.FILES, handing.VIEWS)
    assert [set(table) for table in tables] == [set(names(rows)) for rows in (REFUSED, DAMAGED, FORGED, HANDED, SHOWN)]
    assert len(MATRIX) == len({attack.name for attack in MATRIX}) >= 30


def test_no_reader_is_left_out_of_a_row() -> None:
    for attack in (*DAMAGED, *FORGED, *HANDED):
        assert {*attack.caught_by, *attack.not_caught_by} >= set(READERS), attack.name
