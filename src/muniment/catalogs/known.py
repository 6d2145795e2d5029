"""Whether a control id names something: a row of a catalog, or a control of the tenant's own."""

from collections.abc import Callable, Collection, Iterable
from difflib import get_close_matches
from functools import lru_cache

from muniment.catalogs.framework import Catalog
from muniment.catalogs.shipped import catalog, catalog_ids
from muniment.core.errors import Malformed
from muniment.core.identifiers import check_control

_SHOWN = 128


def check_known(
    controls: Iterable[object],
    where: str = "controls",
    *,
    own: Collection[str] = (),
    find: Callable[[str], Catalog] = catalog,
) -> tuple[str, ...]:
    """Give control ids back if each has the grammar of control ids and is in a catalog, or among the tenant's own.

    Args:
        controls: control ids, as a caller sent them.
        where: the field, as the error names it.
        own: ids of the tenant's own controls.
        find: gives a catalog by its id, or raises `Malformed`; the shipped ones by default.

    Raises:
        Malformed: naming the field and the position, such as `controls[2]`.
    """
    given = []
    for at, value in enumerate(controls):
        place = f"{where}[{at}]"
        try:
            control = check_control(value, place)
        except Malformed as error:
            if not isinstance(value, str) or len(value) > _SHOWN:
                raise
            raise Malformed(f"{value} {error.reason}{_nearest(value)}", place) from None
        if control not in own:
            prefix, _, requirement = control.partition(":")
            try:
                known = find(prefix)
            except Malformed:
                said = f"{control} belongs to no catalog that is known here{_nearest(control)}"
                raise Malformed(said, place) from None
            if requirement not in known.rows:
                near = get_close_matches(requirement, known.rows, n=3, cutoff=0.5)
                said = f"{control} is not in {known.title}, {known.version}"
                raise Malformed(said + _perhaps(f"{prefix}:{one}" for one in near), place)
        given.append(control)
    return tuple(given)


def _nearest(control: str) -> str:
    """Shipped catalogs whose id looks like that of a control id that is none."""
    return _perhaps(get_close_matches(control.partition(":")[0].lower(), catalog_ids(), n=3, cutoff=0.7))


def _perhaps(near: Iterable[str]) -> str:
    names = ", ".join(near)
    return f"; near it: {names}" if names else ""


def refuse_unknown(controls: Iterable[str], known: Callable[[str], bool]) -> None:
    """Refuse an event's control ids if one of them names nothing.

    Args:
        controls: as the event has them; their grammar is held elsewhere.
        known: says whether a control id names something.

    Raises:
        Malformed: naming the place, such as `controls[2]`: a prefix that no catalog here has, or an id that its catalog
            does not have.
    """
    for at, control in enumerate(controls):
        if not known(control):
            prefix = control.partition(":")[0]
            whose = f"{catalog(prefix).title}" if prefix in catalog_ids() else "any catalog that is known here"
            raise Malformed(f"{control} is not in {whose}", f"controls[{at}]")


@lru_cache(maxsize=16_384)
def is_shipped(control: str) -> bool:
    """Say whether a control id names a row of a shipped catalog; for the path of every event.

    >>> is_shipped("soc2:CC6.1"), is_shipped("soc2:CC6.11"), is_shipped("acme:1")
    (True, False, False)
    """
    prefix, _, requirement = control.partition(":")
    return prefix in catalog_ids() and requirement in catalog(prefix).rows
