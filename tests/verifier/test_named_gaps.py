"""A number that the ledger refused is a gap with a name; every other gap fails."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from muniment.core.event import Source, event_hash
from muniment.verifier.report import Report
from tests.verifier.logbook import OTHER_SOURCE, SOURCE, Logbook
from tests.verifier.test_bundle_attacks import check
from tests.verifier.test_differential import agree

EPOCH = hashlib.sha256(SOURCE.encode()).hexdigest()[:32]


class Refusing(Logbook):
    """A log that refuses the numbers 2 and up of a source, and says so before or after the gap."""

    refused: tuple[tuple[int, str], ...] = ()

    def refuse(self, count: int = 1) -> None:
        """Let events of the source be made and not recorded."""
        for _ in range(count):
            event = self.event(90 + len(self.refused))
            assert event.source.seq is not None
            self.refused += ((event.source.seq, event_hash(event.text()).hex()),)

    def name(
        self, number: int, hash_: str, *, by: str | None = None, more: tuple[str, ...] = (), **labels: str
    ) -> None:
        """Write the entry that names a number."""
        said = {"epoch": EPOCH, "hash": hash_, "seq": str(number), "source": SOURCE, **labels}
        marks = tuple(sorted((*(f"refused.{key}={value}" for key, value in said.items() if value), *more)))
        event = self.event(len(self.texts), source=OTHER_SOURCE, action="event.refused", labels=marks)
        self.add(event, **({"by": by} if by else {}))


def verified(book: Refusing, show: list[int] | None = None) -> Report:
    """What both verifiers say."""
    book.seal()
    data = book.bundle(show=show, bodies=False)
    agree(data, book.pins())
    return check(data, book.pins())


@pytest.fixture
def book() -> Refusing:
    """Two numbers of the source recorded, two refused."""
    made = Refusing()
    made.append(3)
    made.refuse(2)
    return made


@pytest.mark.parametrize("before", [True, False])
def test_a_gap_whose_every_number_was_refused_is_listed_and_does_not_fail(book: Refusing, before: bool) -> None:
    if not before:
        book.append(1)
    for seq, hash_ in book.refused:
        book.name(seq, hash_)
    if before:
        book.append(1)
    report = verified(book)
    assert (report.verdict, report.check("sources").state) == ("verified", "passed")
    assert "1 gap of refused events" in report.check("sources").reason
    assert any(f"{SOURCE} (epoch {EPOCH[:8]}) 2 to 3" in remark for remark in report.remarks)


@pytest.mark.parametrize("distance", [1, 600])
def test_a_name_far_away_counts_as_well(book: Refusing, distance: int) -> None:
    book.append(distance)
    for seq, hash_ in book.refused:
        book.name(seq, hash_)
    assert verified(book).check("sources").state == "passed"


def test_the_first_events_of_a_source_may_be_refused() -> None:
    book = Refusing()
    book.append(1)
    book.refuse()
    book.append(2)
    book.name(*book.refused[0])
    assert verified(book).check("sources").state == "passed"


def test_naming_a_number_twice_alike_changes_nothing(book: Refusing) -> None:
    for seq, hash_ in book.refused * 2:
        book.name(seq, hash_)
    book.append(1)
    assert verified(book).check("sources").state == "passed"


@pytest.mark.parametrize("which", [0, 1])
def test_a_gap_of_which_one_number_has_no_name_fails(book: Refusing, which: int) -> None:
    book.name(*book.refused[which])
    book.append(1)
    report = verified(book)
    assert report.failed == ("sources",)
    assert "numbers 2 to 3 are missing" in report.check("sources").reason


def test_a_name_with_another_hash_fails(book: Refusing) -> None:
    book.name(*book.refused[0])
    book.name(3, "ab" * 32)
    book.append(1)
    assert "does not link to the refused number 3" in verified(book).check("sources").reason


def test_a_name_with_another_hash_fails_in_a_partial_file_too(book: Refusing) -> None:
    book.name(3, "ab" * 32)
    book.append(1)
    assert verified(book, show=[1, 2, 3, 4]).failed == ("sources",)


def test_two_names_that_contradict_each_other_fail(book: Refusing) -> None:
    for seq, hash_ in book.refused:
        book.name(seq, hash_)
    book.name(3, "ab" * 32)
    book.append(1)
    assert verified(book).failed == ("sources",)


def test_a_name_given_with_another_key_does_not_count(book: Refusing) -> None:
    for seq, hash_ in book.refused:
        book.name(seq, hash_, by="key:ak_01KAY9M2Z7Q4WXYH3J8V5T6R0D")
    book.append(1)
    assert "are missing" in verified(book).check("sources").reason


@pytest.mark.parametrize(
    "labels",
    [
        {"source": OTHER_SOURCE},
        {"source": ""},
        {"epoch": "ab" * 16},
        {"epoch": ""},
        {"hash": ""},
        {"hash": "AB" * 32},
        {"seq": "03"},
        {"seq": "3 "},
        {"seq": "99999999999999999999"},
        {"more": ("refused.seq=7",)},
    ],
)
def test_labels_that_do_not_say_it_exactly_name_nothing(book: Refusing, labels: dict[str, str]) -> None:
    book.name(*book.refused[0])
    book.name(*book.refused[1], **labels)
    book.append(1)
    assert "are missing" in verified(book).check("sources").reason


def test_another_action_with_the_same_labels_names_nothing(book: Refusing) -> None:
    book.name(*book.refused[0])
    marks = tuple(sorted((f"refused.epoch={EPOCH}", f"refused.hash={book.refused[1][1]}", "refused.seq=3")))
    book.add(book.event(99, source=OTHER_SOURCE, action="x.event.refused", labels=marks))
    book.append(1)
    assert verified(book).failed == ("sources",)


def test_without_a_source_label_the_entrys_own_source_is_meant(book: Refusing) -> None:
    epoch = bytes.fromhex(EPOCH)
    own, last = book.last[SOURCE, epoch]
    for seq, hash_ in book.refused:
        marks = tuple(sorted((f"refused.epoch={EPOCH}", f"refused.hash={hash_}", f"refused.seq={seq}")))
        event = replace(
            book.event(80 + seq, numbered=False, action="event.refused", labels=marks),
            source=Source(SOURCE, epoch, last, own + 1),
        )
        own, last = own + 1, event_hash(event.text())
        book.add(event)
    book.last[SOURCE, epoch] = (own, last)
    book.append(1)
    assert verified(book).check("sources").state == "passed"


def test_a_number_that_comes_again_fails_whatever_is_named(book: Refusing) -> None:
    for seq, hash_ in book.refused:
        book.name(seq, hash_)
    book.append(1)
    epoch = bytes.fromhex(EPOCH)
    book.add(replace(book.event(99), source=Source(SOURCE, epoch, bytes.fromhex(book.refused[0][1]), 3)))
    assert "comes after number" in verified(book).check("sources").reason


def test_a_gap_whose_name_may_be_hidden_is_not_made(book: Refusing) -> None:
    book.append(2)
    for seq, hash_ in book.refused:
        book.name(seq, hash_)
    report = verified(book, show=[0, 1, 2, 3, 4])
    assert (report.verdict, report.check("sources").state) == ("verified", "not_made")
