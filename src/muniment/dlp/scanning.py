"""One file: everything it says, searched by every detector."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final

from muniment.dlp.detection import Detection
from muniment.dlp.extraction import parts_of
from muniment.dlp.limits import Budget, Hostile, Limits, Unscannable
from muniment.dlp.patterns import Pattern

MOST_PLACES: Final = 40
SCANNED: Final = "scanned"
UNSCANNABLE: Final = "unscannable"
HOSTILE: Final = "hostile"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something of one kind was found, and how often."""

    where: str
    kind: str
    count: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan of a file found. It holds no value that was found.

    Attributes:
        coverage: `scanned` if all of it was read; `unscannable`, or `hostile` if it is built to be misread.
        reason: why it was not read to its end; "" if it was.
        counts: (kind, how many), in order of kinds.
        places: the first 40 places.
        pictures: how many pictures no OCR engine read.
    """

    coverage: str
    reason: str
    counts: tuple[tuple[str, int], ...]
    places: tuple[Place, ...]
    pictures: int


def scan(data: bytes, patterns: Iterable[Pattern] = (), *, today: date, limits: Limits | None = None) -> Scan:
    """Search a file, in this process. Of what others sent, ask `inspection.inspect` instead.

    What was found before reading failed is told too.

    Args:
        data: the file.
        patterns: of the tenant.
        today: bounds dates of birth in numbers.
        limits: the usual ones if None.
    """
    detection = Detection(patterns, today=today)
    counts: Counter[str] = Counter()
    places: list[Place] = []
    pictures, coverage, reason = 0, SCANNED, ""
    try:
        if not data:
            raise Unscannable("is empty", "file")
        told: dict[str, Counter[str]] = {}
        for part in parts_of(data, Budget(limits or Limits())):
            if part.text is None:
                pictures += 1
                continue
            found = _new(detection.count(part.text), part.place, told)
            counts += found
            places += [Place(part.place, kind, count) for kind, count in sorted(found.items())]
    except Hostile as error:
        coverage, reason = HOSTILE, error.reason
    except Unscannable as error:
        coverage, reason = UNSCANNABLE, error.reason
    return Scan(coverage, reason, tuple(sorted(counts.items())), tuple(places[:MOST_PLACES]), pictures)


def _new(found: Counter[str], place: str, told: dict[str, Counter[str]]) -> Counter[str]:
    """What a second reading of the same text (without tags, without escapes) shows beyond the first."""
    for second in ("without tags", "without escapes"):
        if place.endswith(second):
            first = told.get(place.removesuffix(second).removesuffix(", "), Counter())
            return found - first
    told[place] = found
    return found
