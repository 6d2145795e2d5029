"""How samples are drawn and what reviewers may say: rules without a database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from muniment.core.canonical import dump_json
from muniment.core.errors import Malformed, Refused
from muniment.core.samplesize import AttributeSize, attribute_size
from muniment.core.sampling import MOST, random_sample, stratified_sample, systematic_sample
from muniment.ledger.population import STRATA, Stratum

METHODS: Final = {
    "random": "Random: every set of that many entries is as likely as any other",
    "systematic": "Systematic: equal distances from a random start",
    "stratified": "Stratified: a random sample of each stratum, by its share, at least one",
    "attribute": "Attribute: random, as many as confidence and rates ask for",
    "failures": "All failures: every entry with one of the chosen outcomes",
}
UNSOUND: Final = ("failure", "denied", "unknown")
"""Outcomes that `failures` can take; `failure` alone unless others are asked for."""
TICKS: Final = {
    "agreed": "Agreed to what the control asks for",
    "traced": "Traced to its source",
    "recomputed": "Recomputed",
    "inspected": "Inspected the payload",
    "inquired": "Asked the people concerned",
}
VERDICTS: Final = {"satisfied": "Satisfied", "exception": "Exception", "not-applicable": "Not applicable"}
"""Of one sampled entry."""
RESULTS: Final = {
    "effective": "Effective as far as the sample shows",
    "exceptions": "Exceptions noted",
    "not-concluded": "No conclusion can be drawn",
}
"""Of the whole sample."""
MAX_COMMENT: Final = 4_000
_RATES: Final = ("confidence", "tolerable", "expected")


@dataclass(frozen=True, slots=True)
class Plan:
    """How a sample is drawn.

    Attributes:
        method: one of `METHODS`.
        count: entries to draw; None where the method says it.
        stratum: by what a stratified sample divides.
        outcomes: that `failures` takes.
        rates: confidence, tolerable and expected rate in hundredths of a percent, for `attribute`.
    """

    method: str
    count: int | None = None
    stratum: Stratum | None = None
    outcomes: tuple[str, ...] = ()
    rates: Mapping[str, int] | None = None

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise Malformed(f"is one of {', '.join(METHODS)}", "method")
        if (self.count is None) == (self.method in ("random", "systematic", "stratified")):
            raise Malformed(
                "say how many entries to draw" if self.count is None else f"{self.method} says itself how many", "count"
            )
        if self.method == "stratified" and self.stratum not in STRATA:
            raise Malformed(f"is one of {', '.join(STRATA)}", "stratum")
        if self.method == "failures" and not (self.outcomes and set(self.outcomes) <= set(UNSOUND)):
            raise Malformed(f"are some of {', '.join(UNSOUND)}", "outcomes")
        if self.method == "attribute" and (self.rates is None or set(self.rates) != set(_RATES)):
            raise Malformed("say confidence, tolerable rate and expected rate", "confidence")

    def sized(self, population: int) -> AttributeSize | None:
        """What an attribute plan asks for; None for the others.

        Raises:
            Malformed: for a rate out of range.
            Refused: if the rates are too close to each other.
        """
        if self.method != "attribute" or self.rates is None:
            return None
        return attribute_size(
            confidence=self.rates["confidence"],
            tolerable=self.rates["tolerable"],
            expected=self.rates["expected"],
            population=population,
        )

    def text(self, population: int) -> str:
        """The plan as canonical JSON; of an attribute plan with the size that follows from the population's."""
        said: dict[str, object] = {"method": self.method}
        if self.count is not None:
            said["count"] = self.count
        if self.method == "stratified":
            said["stratum"] = self.stratum
        if self.method == "failures":
            said["outcomes"] = sorted(self.outcomes)
        if (sized := self.sized(population)) is not None and self.rates is not None:
            said |= {**self.rates, "count": sized.size, "allowed": sized.allowed, "basis": sized.basis}
        return dump_json(said).decode()


@dataclass(frozen=True, slots=True)
class Drawn:
    """Places, ascending, and how many each part of the population gave (empty without parts)."""

    places: tuple[int, ...]
    parts: Mapping[str, int]


def draw(
    plan: Plan,
    places: Sequence[int],
    seed: bytes,
    *,
    strata: Callable[[Stratum], Mapping[str, Sequence[int]]],
    failures: Callable[[str], Sequence[int]],
) -> Drawn:
    """Draw a sample.

    Args:
        plan: how.
        places: the population, ascending.
        seed: 32 bytes.
        strata: the population divided, asked for a stratified plan.
        failures: its entries with an outcome, asked for a plan of failures.

    Raises:
        Refused: for more than the population has, or an empty sample.
    """
    if not places:
        raise Refused("the population is empty; there is nothing to draw", "population")
    if plan.method == "stratified" and plan.stratum is not None and plan.count is not None:
        by = stratified_sample(strata(plan.stratum), plan.count, seed)
        return Drawn(tuple(sorted(one for part in by.values() for one in part)), {n: len(p) for n, p in by.items()})
    if plan.method == "failures":
        found = {outcome: failures(outcome) for outcome in sorted(plan.outcomes)}
        every = sorted(one for part in found.values() for one in part)
        if not every:
            raise Refused(f"no entry of the population ended in {' or '.join(found)}", "outcomes")
        if len(every) > MOST:
            raise Refused(f"{len(every):,} entries match, and a sample has at most {MOST:,}", "outcomes")
        return Drawn(tuple(every), {outcome: len(part) for outcome, part in found.items()})
    sized = plan.sized(len(places))
    count = sized.size if sized is not None else plan.count or 0
    drawing = systematic_sample if plan.method == "systematic" else random_sample
    return Drawn(drawing(places, count, seed), {})


def checked_mark(ticks: Sequence[str], *, exception: bool, conclusion: str, comment: str) -> tuple[str, ...]:
    """The ticks of a mark, sorted.

    Raises:
        Malformed: naming the field: an unknown tick or conclusion, a comment too long, an exception without a comment,
            or nothing said at all.
    """
    if unknown := sorted(set(ticks) - set(TICKS)):
        raise Malformed(f"{ascii(unknown[0])[:40]} is none of {', '.join(TICKS)}", "ticks")
    if conclusion and conclusion not in VERDICTS:
        raise Malformed(f"is one of {', '.join(VERDICTS)}", "conclusion")
    checked_comment(comment)
    if (exception or conclusion == "exception") and not comment.strip():
        raise Malformed("say what the exception is", "comment")
    if exception and conclusion in ("satisfied", "not-applicable"):
        raise Malformed("an exception is noted, so it cannot be that", "conclusion")
    if not (ticks or exception or conclusion or comment.strip()):
        raise Malformed("a mark says something: a tick, a comment, an exception or a conclusion", "ticks")
    return tuple(sorted(set(ticks)))


def checked_comment(comment: str) -> None:
    """Refuse a comment that is too long or holds what no text holds.

    Raises:
        Malformed: naming it.
    """
    if len(comment) > MAX_COMMENT:
        raise Malformed(f"has at most {MAX_COMMENT:,} characters", "comment")
    if any(ord(letter) < 32 and letter not in "\n\r\t" for letter in comment):
        raise Malformed("holds a control character", "comment")
