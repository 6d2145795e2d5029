"""How much detectors find of a labelled corpus is what the page says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from muniment.dlp.scanning import scan
from tests.dlp.corpus import BEYOND, FAILING, FRIENDS, GROUPS, NESTED, OBFUSCATED, TODAY, VALID, Case, cases

PAGE = Path(__file__).parents[2] / "docs" / "dlp.md"
DETECTORS = ("pan", "pesel", "iban", "passport")


@dataclass
class Tally:
    there: int = 0
    right: int = 0
    wrong: int = 0

    def add(self, case: Case, found: int) -> None:
        self.there += case.expected
        self.right += min(found, case.expected)
        self.wrong += max(0, found - case.expected)


@pytest.fixture(scope="module")
def tallies() -> dict[tuple[str, str], Tally]:
    made = {(detector, group): Tally() for detector in DETECTORS for group in GROUPS}
    for case in cases():
        found = scan(case.data, today=TODAY)
        assert found.coverage == "scanned", (case.detector, case.what, found.reason)
        made[case.detector, case.group].add(case, dict(found.counts).get(case.detector, 0))
    return made


def share(part: int, whole: int) -> str:
    return f"{part / whole:.3f}" if whole else "–"


def table(tallies: dict[tuple[str, str], Tally]) -> Iterator[str]:
    yield "| Detector | Group | There | Found | Found and not there | Recall |"
    yield "|---|---|---|---|---|---|"
    for detector in DETECTORS:
        for group in GROUPS:
            one = tallies[detector, group]
            recall = share(one.right, one.there)
            yield f"| {detector} | {group} | {one.there} | {one.right} | {one.wrong} | {recall} |"
    yield ""
    yield "| Detector | Precision | Recall | Recall without what is beyond reach |"
    yield "|---|---|---|---|"
    for detector in DETECTORS:
        all_of = [tallies[detector, group] for group in GROUPS]
        reached = [tallies[detector, group] for group in GROUPS if group != BEYOND]
        right, wrong = sum(one.right for one in all_of), sum(one.wrong for one in all_of)
        recall = share(right, sum(one.there for one in all_of))
        within = share(sum(one.right for one in reached), sum(one.there for one in reached))
        yield f"| {detector} | {share(right, right + wrong)} | {recall} | {within} |"


def test_precision_and_recall_are_those_that_the_page_publishes(tallies: dict[tuple[str, str], Tally]) -> None:
    published = re.search(r"<!-- corpus: begin -->\n(.*?)\n<!-- corpus: end -->", PAGE.read_text(), re.DOTALL)
    assert published is not None
    assert published[1].strip() == "\n".join(table(tallies)).strip()


@pytest.mark.parametrize("detector", DETECTORS)
def test_a_detector_misses_nothing_that_is_written_plainly_and_takes_no_wrong_check_digit(
    tallies: dict[tuple[str, str], Tally], detector: str
) -> None:
    assert tallies[detector, VALID].right == tallies[detector, VALID].there > 50
    assert tallies[detector, FAILING].wrong == 0
    assert tallies[detector, OBFUSCATED].right == tallies[detector, OBFUSCATED].there
    assert tallies[detector, NESTED].right >= 0.95 * tallies[detector, NESTED].there
    # Some of what is drawn by chance agrees with every rule there is.
    assert tallies[detector, FRIENDS].wrong <= 20
