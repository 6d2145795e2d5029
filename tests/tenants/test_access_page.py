"""`docs/access.md` says of capabilities and roles what the code says."""

from __future__ import annotations

import re
from datetime import timedelta

from muniment.catalogs.actions import registry
from muniment.server.capabilities import Capability
from muniment.server.members.provisioning import BUILTIN
from muniment.server.members.workflow import INVITATION_LASTS, RULES, TIME_BOX
from muniment.server.tenancy.workflow import MOST_HOSTS, MOST_WORKSPACES, SECURITY_TXT_LASTS, SESSION_HOURS, STEP_UP
from tests.tenants.accesspage import PAGE, with_tables

TEXT = PAGE.read_text(encoding="utf-8")
# The page's prose without its line breaks.
PROSE = " ".join(TEXT.split())


def test_the_tables_are_those_of_the_code() -> None:
    assert with_tables(TEXT) == TEXT, "write them again: python -m tests.tenants.accesspage"


def test_every_code_that_the_page_names_is_a_capability_or_an_action() -> None:
    capabilities = set(map(str, Capability))
    nouns = "|".join(sorted({one.partition(".")[0] for one in capabilities} | {"session"}))
    named = set(re.findall(rf"`((?:{nouns})\.[a-z]+)`", TEXT))
    assert capabilities <= named
    assert named - capabilities <= set(registry()), "neither capabilities nor actions"
    assert {role.code for role in BUILTIN} <= set(re.findall(r"`([a-z]+)`", TEXT))


def test_the_figures_are_those_of_the_code() -> None:
    assert f"{TIME_BOX.days} days" in PROSE
    assert timedelta(days=7) == INVITATION_LASTS
    assert "seven days" in PROSE
    assert f"{STEP_UP[0]} to {STEP_UP[1]} seconds" in PROSE
    assert f"{SESSION_HOURS[0]} to {SESSION_HOURS[1]} hours" in PROSE
    assert f"at most {MOST_HOSTS} host names" in PROSE
    assert f"at most {MOST_WORKSPACES} workspaces" in PROSE
    assert f"{SECURITY_TXT_LASTS.days} days ahead" in PROSE


def test_every_rule_of_change_is_told() -> None:
    """One line of the page for each rule that judges changes."""
    listed = TEXT.partition("## Rules of change")[2].partition("\n## ")[0]
    assert len(re.findall(r"^- ", listed, re.MULTILINE)) == len(RULES)
