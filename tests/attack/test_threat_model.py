"""The page that makes the claims shows the matrix as it is tested, and claims no more than may be claimed."""

import re

import pytest

from tests.attack.layers import LAYERS
from tests.attack.matrix import MATRIX
from tests.attack.page import PAGE, with_table

NEVER_SAID = (
    "immutable",
    "tamper-proof",
    "tamperproof",
    "mathematically",
    "non-repudiation",
    "court-proof",
    "compliant by use",
    "everything an agent does",
    "nothing happened",
    "erased everywhere",
    "quantum-safe",
    "trustless",
)


def test_the_page_shows_the_matrix_that_is_tested() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_table(page) == page, "run: python -m tests.attack.page"


def test_every_claim_names_a_test() -> None:
    section = PAGE.read_text(encoding="utf-8").partition("## Claims")[2].partition("\n## ")[0]
    claims = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| Claim ")]
    assert len(claims) >= 15
    assert [claim for claim in claims if not re.search(r"`tests/[a-z_/]+\.py::test_\w+`", claim)] == []


@pytest.mark.parametrize("word", NEVER_SAID)
def test_words_that_promise_too_much_stand_nowhere(word: str) -> None:
    assert word not in PAGE.read_text(encoding="utf-8").lower()


def test_what_nobody_catches_is_explained_in_its_row() -> None:
    unexplained = [attack.name for attack in MATRIX if not attack.caught_by and not attack.remark]
    assert unexplained == []
    assert {layer for attack in MATRIX for layer in attack.caught_by} == set(LAYERS)
