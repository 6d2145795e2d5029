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
