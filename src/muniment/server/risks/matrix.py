"""A tenant's risk matrix: likelihood by impact, and the band of each cell. Rules without a database."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from muniment.core.canonical import dump_json
from muniment.core.errors import Malformed

BANDS: Final = ("low", "medium", "high", "critical")
"""The four bands, least first; exceptions name the same four as their risk level."""
LEAST: Final = 3
MOST: Final = 5
MAX_LABEL: Final = 40
_SHORT: Final = {"l": "low", "m": "medium", "h": "high", "c": "critical"}


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One place on a matrix, both counted from 1.

    >>> Cell(3, 5).code, str(Cell(3, 5)), cell_of(35)
    (35, '3 × 5', Cell(likelihood=3, impact=5))
    """

    likelihood: int
    impact: int

    @property
    def code(self) -> int:
        """As one number, 11 to 55: the likelihood's digit, then the impact's."""
        return 10 * self.likelihood + self.impact

    @property
    def product(self) -> int:
        """Likelihood times impact."""
        return self.likelihood * self.impact

    def within(self, other: Cell) -> bool:
        """Whether neither its likelihood nor its impact is above the other's."""
        return self.likelihood <= other.likelihood and self.impact <= other.impact

    def document(self) -> dict[str, int]:
        """As it stands in canonical JSON."""
        return {"impact": self.impact, "likelihood": self.likelihood}

    def __str__(self) -> str:
        return f"{self.likelihood} × {self.impact}"


def cell_of(code: int | None) -> Cell | None:
    """A cell by its code; None of None."""
    return None if code is None else Cell(*divmod(code, 10))


@dataclass(frozen=True, slots=True)
class Matrix:
    """What a tenant scores its risks on.

    Attributes:
        likelihood: 3 to 5 labels, least likely first.
        impact: 3 to 5 labels, least first.
        bands: by likelihood, then impact: `bands[0][0]` is the band of the least of both. It never falls where either
            of them rises, and each of `BANDS` has a cell, so that every risk level of an exception has a place.
    """

    likelihood: tuple[str, ...]
    impact: tuple[str, ...]
    bands: tuple[tuple[str, ...], ...]

    def __post_init__(self) -> None:
        for field, labels in (("likelihood", self.likelihood), ("impact", self.impact)):
            _check_labels(field, labels)
        _check_bands(self)

    @property
    def size(self) -> str:
        """`5x4`: likelihoods by impacts."""
        return f"{len(self.likelihood)}x{len(self.impact)}"

    def band(self, cell: Cell) -> str:
        """The band of a cell.

        Raises:
            Malformed: if the matrix has no such cell.
        """
        if cell not in self:
            raise Malformed(f"{cell} is not on the matrix, which is {self.size.replace('x', ' × ')}", "cell")
        return self.bands[cell.likelihood - 1][cell.impact - 1]

    def __contains__(self, cell: Cell) -> bool:
        return 1 <= cell.likelihood <= len(self.likelihood) and 1 <= cell.impact <= len(self.impact)

    def cells(self, band: str = "") -> tuple[Cell, ...]:
        """Its cells, those of one band if it is named."""
        every = (Cell(one, two) for one in range(1, len(self.likelihood) + 1) for two in range(1, len(self.impact) + 1))
        return tuple(cell for cell in every if band in ("", self.band(cell)))

    def place_of(self, band: str) -> Cell:
        """The cell that stands for a band where nobody has placed a risk: of its cells the one with the largest
        product of likelihood and impact; of equals the one with the larger impact.

        >>> [str(default_matrix().place_of(band)) for band in BANDS]
        ['2 × 2', '3 × 3', '4 × 4', '5 × 5']
        """
        if band not in BANDS:
            raise Malformed(f"is one of {', '.join(BANDS)}", "risk_level")
        return max(self.cells(band), key=lambda cell: (cell.product, cell.impact))

    def words(self, cell: Cell) -> str:
        """A cell in the tenant's own words: `Likely × Severe`."""
        return f"{self.likelihood[cell.likelihood - 1]} × {self.impact[cell.impact - 1]}"

    def document(self) -> dict[str, object]:
        """As it stands in canonical JSON."""
        return {
            "bands": [list(row) for row in self.bands],
            "impact": list(self.impact),
            "likelihood": list(self.likelihood),
            "v": 1,
        }

    def text(self) -> str:
        """It as canonical JSON (RFC 8785)."""
        return dump_json(self.document()).decode()

    @property
    def digest(self) -> str:
        """SHA-256 of its canonical JSON, 64 hex digits."""
        return hashlib.sha256(self.text().encode()).hexdigest()


def default_matrix() -> Matrix:
    """What holds for a tenant that defined none: five by five."""
    return Matrix(
        ("Rare", "Unlikely", "Possible", "Likely", "Almost certain"),
        ("Negligible", "Minor", "Moderate", "Major", "Severe"),
        read_bands(["lllmm", "llmmh", "lmmhh", "mmhhc", "mhhcc"]),
    )


def read_bands(rows: Sequence[str | Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    """Bands by their names, or a row as its first letters.

    >>> read_bands(["lmh"])
    (('low', 'medium', 'high'),)
    """
    return tuple(tuple(_SHORT.get(one, one) for one in row) for row in rows)


def stored_matrix(text: str) -> Matrix:
    """A matrix as it was stored."""
    said = orjson.loads(text)
    return Matrix(tuple(said["likelihood"]), tuple(said["impact"]), tuple(tuple(row) for row in said["bands"]))


def given_cell(value: Mapping[str, Any] | None) -> Cell | None:
    """A cell of canonical JSON, which has no null; None where it is absent."""
    return None if value is None else Cell(value["likelihood"], value["impact"])


def counted(cells: Iterable[Cell]) -> dict[Cell, int]:
    """How often each cell comes."""
    return dict(Counter(cells))


def _check_labels(field: str, labels: Sequence[str]) -> None:
    if not LEAST <= len(labels) <= MOST:
        raise Malformed(f"has {LEAST} to {MOST} labels", field)
    for place, label in enumerate(labels):
        if not 1 <= len(label) <= MAX_LABEL or not label.isprintable() or label != label.strip():
            raise Malformed(f"has 1 to {MAX_LABEL} printable characters", f"{field}[{place}]")
    if len({label.casefold() for label in labels}) != len(labels):
        raise Malformed("names one label twice", field)


def _check_bands(matrix: Matrix) -> None:
    rows, columns = len(matrix.likelihood), len(matrix.impact)
    if len(matrix.bands) != rows or any(len(row) != columns for row in matrix.bands):
        raise Malformed(f"has {rows} rows of {columns}: one for each likelihood, by impact", "bands")
    for cell in (Cell(one, two) for one in range(1, rows + 1) for two in range(1, columns + 1)):
        where = f"bands[{cell.likelihood - 1}][{cell.impact - 1}]"
        band = matrix.bands[cell.likelihood - 1][cell.impact - 1]
        if band not in BANDS:
            raise Malformed(f"is one of {', '.join(BANDS)}", where)
        for lower in (Cell(cell.likelihood - 1, cell.impact), Cell(cell.likelihood, cell.impact - 1)):
            if 0 in (lower.likelihood, lower.impact):
                continue
            below = matrix.bands[lower.likelihood - 1][lower.impact - 1]
            if BANDS.index(below) > BANDS.index(band):
                raise Malformed(f"is {band} where {lower} is {below}: bands do not fall as risks rise", where)
    missing = [band for band in BANDS if not any(band in row for row in matrix.bands)]
    if missing:
        raise Malformed(f"has no cell that is {' or '.join(missing)}: each of the four has one", "bands")
