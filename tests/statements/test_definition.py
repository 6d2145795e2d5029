"""A definition holds no number without its query, and says of each requirement what is not evidenced."""

import re

import pytest

from muniment.catalogs.shipped import catalog as shipped_catalog
from muniment.core.errors import Malformed
from muniment.server.statements.definition import definitions, read_definition
from muniment.server.statements.workflow import CLAIM, REFERENCE, UNREGISTERED, Answer, say

GOOD = """
format = "muniment-statement/1"
id = "cfr11"
version = "1"
title = "T"
sources = ["21 CFR 11.10"]
note = "N"
[query.all]
ask = { action = "tool.call" }
[[requirement]]
ids = ["cfr11:11.10(e)"]
label = "L"
says = [{ text = "{all} entries.", none = "None: {all}." }]
lacks = "Something."
"""


def test_a_good_definition_is_read() -> None:
    assert read_definition(GOOD.encode(), "a.toml").queries["all"].ask == {"action": "tool.call"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{all} entries.", "{all} of 300 entries.", "a number without a query: 300"),
        ("None: {all}.", "None, in 12 months: {all}.", "a number without a query: 12"),
        ("{all} entries.", "{none} entries.", "there is no query none"),
        ('ask = { action = "tool.call" }', 'ask = { from = "2026-01-01" }', "without a period"),
        ('ask = { action = "tool.call" }', 'ask = { verb = "a" }', "without a period"),
        ('ask = { action = "tool.call" }', 'changes = "maybe"', "changes are some of"),
        ("[query.all]", "[query.more]\nask = {}\n[query.all]", "no sentence names it: more"),
        ('lacks = "Something."', 'lacks = " "', "says nothing of what is not evidenced"),
        ("cfr11:11.10(e)", "11.10(e)", "requirement L"),
        ("muniment-statement/1", "muniment-statement/2", "is no muniment-statement/1"),
        ('note = "N"', "note = ", "a.toml"),
        ('title = "T"', "", "'title' is missing"),
    ],
)
def test_a_bad_definition_is_refused_by_name(old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(Malformed) as error:
        read_definition(GOOD.replace(old, new).encode(), "a.toml")
    assert said in str(error.value)
    assert "a.toml" in str(error.value)


@pytest.mark.parametrize("framework", ["cfr11", "eu-ai-act", "hipaa", "soc2"])
def test_shipped_definitions_name_what_their_catalogs_have_and_claim_nothing(framework: str) -> None:
    definition = definitions()[framework]
    catalog = shipped_catalog(framework)
    known = {requirement.id for requirement in catalog.requirements}
    for requirement in definition.requirements:
        for control in requirement.ids:
            prefix, _, number = control.partition(":")
            assert prefix == framework
            assert number in known, control
    text = " ".join(
        [definition.title, definition.note, CLAIM, UNREGISTERED]
        + [one.text + one.none for row in definition.requirements for one in row.says]
        + [row.lacks for row in definition.requirements]
    )
    for word in ("complian", "immutable", "tamper-proof", "guarantee", "certified", "fulfil", "satisf", "proves"):
        assert word not in text.lower(), word


@pytest.mark.parametrize("count", [0, 7, None])
@pytest.mark.parametrize("framework", ["cfr11", "eu-ai-act", "hipaa", "soc2"])
def test_each_number_of_a_statement_stands_with_its_query(framework: str, count: int | None) -> None:
    definition = definitions()[framework]
    answers = {
        name: Answer(number, name, dict(query.ask), "", count, None, 3, "2026-03-01T00:00:00.000000Z")
        for number, (name, query) in enumerate(definition.queries.items(), 1)
    }
    said = say(definition, answers, registered=True)
    referred = set()
    for one in said:
        for text in (*one.evidences, *one.found_nothing):
            referred |= {int(match) for match in REFERENCE.findall(text)}
            without = REFERENCE.sub("", text)
            for number in re.findall(r"\b\d[\d,]*\b", without):
                assert number in {f"{count}", "2026", "03", "01"}, text
            if count == 0:
                assert "{" not in text
    if count:
        assert referred <= set(range(1, len(answers) + 1))
        assert not any(one.found_nothing for one in said)
        assert len(referred) == len(answers)


def test_a_statement_says_when_no_change_is_registered() -> None:
    definition = definitions()["cfr11"]
    answers = {
        name: Answer(number, name, {}, "", 1, None, None, "") for number, name in enumerate(definition.queries, 1)
    }
    said = say(definition, answers, registered=False)
    assert [one.label for one in said if UNREGISTERED in one.found_nothing] == ["Reason for change"]
