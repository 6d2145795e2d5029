"""A folder of catalogs that somebody imported, read beside those that are shipped."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.catalogs.catalogfile import MAX_BYTES, PREFIX, format_catalog, parse_catalog
from muniment.catalogs.framework import Catalog
from muniment.catalogs.shipped import catalog, catalog_ids
from muniment.core.errors import Malformed

SUFFIX: Final = ".json"


def check_replacement(made: Catalog) -> None:
    """Refuse a catalog that would take the place of one of ours and loosen it.

    Our identifiers stand in mappings, crosswalks and entries, so all of them have to be there; and text under the id
    of a licensed framework stays licensed, whatever class the import claims.

    Raises:
        Malformed: naming `licence_class` or `requirements`.
    """
    if made.id not in catalog_ids():
        return
    ours = catalog(made.id)
    if made.licence_class < ours.licence_class:
        raise Malformed(
            f"{made.id} is shipped as class {ours.licence_class}; an import cannot make it {made.licence_class}",
            "licence_class",
        )
    if missing := [row.id for row in ours.requirements if row.id not in made.rows]:
        raise Malformed(
            f"lacks {len(missing)} identifiers of {made.id}, the first is {missing[0]}; import it under another id",
            "requirements",
        )


def beside_shipped(imported: Mapping[str, Catalog]) -> Callable[[str], Catalog]:
    """A function that finds a catalog by its id among those of a tenant, and then among ours.

    Args:
        imported: id -> catalog; each has passed `check_replacement`.
    """

    def find(catalog_id: str) -> Catalog:
        return imported[catalog_id] if catalog_id in imported else catalog(catalog_id)

    return find


@dataclass(frozen=True, slots=True)
class Shelf:
    """Shipped catalogs, with those of a folder over them: an imported catalog of the same id replaces ours.

    Attributes:
        folder: holds `<id>.json` files; need not exist.
    """

    folder: Path

    def imported(self) -> tuple[str, ...]:
        """Ids of the imported catalogs, sorted."""
        if not self.folder.is_dir():
            return ()
        names = (entry.name.removesuffix(SUFFIX) for entry in self.folder.iterdir() if entry.name.endswith(SUFFIX))
        return tuple(sorted(name for name in names if PREFIX.fullmatch(name)))

    def ids(self) -> tuple[str, ...]:
        """Ids of every catalog, sorted."""
        return tuple(sorted({*catalog_ids(), *self.imported()}))

    def find(self, catalog_id: str) -> Catalog:
        """One catalog: the imported one, or ours.

        Raises:
            Malformed: if there is none, or what was imported cannot be read.
        """
        if catalog_id not in self.imported():
            return catalog(catalog_id)
        path = self.folder / f"{catalog_id}{SUFFIX}"
        if path.stat().st_size > MAX_BYTES:
            raise Malformed(f"larger than {MAX_BYTES:,} bytes", str(path))
        made = parse_catalog(path.read_bytes(), str(path))
        if made.id != catalog_id:
            raise Malformed(f"says it is {made.id}", str(path))
        check_replacement(made)
        return made

    def put(self, made: Catalog) -> Path:
        """Keep a catalog, in place of one of the same id; readable by its owner only, as it may hold licensed text."""
        data = format_catalog(made)
        check_replacement(parse_catalog(data, made.id))
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / f"{made.id}{SUFFIX}"
        draft = path.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        return path
