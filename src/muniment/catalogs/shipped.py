"""The catalogs that come with Muniment, read from its data files when they are asked for."""

from functools import cache
from importlib.resources import files

from muniment.catalogs.catalogfile import parse_catalog
from muniment.catalogs.framework import Catalog
from muniment.core.errors import Malformed

_FOLDER = files("muniment.catalogs").joinpath("data/frameworks")


@cache
def catalog_ids() -> tuple[str, ...]:
    """The ids of the catalogs that are shipped, sorted."""
    return tuple(sorted(entry.name[:-5] for entry in _FOLDER.iterdir() if entry.name.endswith(".json")))


@cache
def catalog(catalog_id: str) -> Catalog:
    """One shipped catalog.

    Raises:
        Malformed: if none has this id.
    """
    if catalog_id not in catalog_ids():
        raise Malformed(f"no catalog {catalog_id!r} is shipped; `muniment catalog list` names them", "catalog")
    made = parse_catalog(_FOLDER.joinpath(f"{catalog_id}.json").read_bytes(), f"{catalog_id}.json")
    if made.id != catalog_id:
        raise Malformed(f"{catalog_id}.json says it is {made.id}", "id")
    return made


NOT_SHIPPED = (
    ("CSA Cloud Controls Matrix, control specifications", "its domains are shipped"),
    ("EU GMP Annex 11, numbered paragraphs", "its sections are shipped"),
    ("ISO/IEC 27701:2025", "the edition of 2019 is shipped"),
    ("KSC, the Polish act on the national cybersecurity system as amended in 2026", "no consolidated text at hand"),
    ("MAS Technology Risk Management Guidelines", "no complete list at hand"),
    ("PDPA, the Singapore Personal Data Protection Act", "no complete list at hand"),
)
"""Frameworks that one may look for here: what is missing, and why. `muniment catalog import` brings them in."""
