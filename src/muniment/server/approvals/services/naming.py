"""What rules name: whether it is there, and how people call it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from django.utils import timezone

from muniment.core.errors import Malformed
from muniment.server.accounts.models import User
from muniment.server.approvals.workflow import Case, Clause, Level, Rules
from muniment.server.assets.services import find_asset, find_assets
from muniment.server.frameworks.services import find_catalog
from muniment.server.members.directory import Directory
from muniment.server.members.rows import read_directory

OWN_CONTROLS = "own"
"""In place of a framework: the controls that are the tenant's own."""


def resolved(rules: Rules) -> Rules:
    """Rules with ids where they were given by name: people by address, groups by name, assets by code.

    Args:
        rules: as somebody wrote them.

    Raises:
        Malformed: naming the field, if the open tenant has no such role, member, group, asset or framework.
    """
    directory = read_directory(timezone.now())
    clauses = tuple(_clause(directory, clause, f"clauses[{place}]") for place, clause in enumerate(rules.clauses))
    return replace(rules, clauses=clauses, otherwise=_levels(directory, rules.otherwise, "otherwise.levels"))


def person_of(directory: Directory, given: str, where: str) -> str:
    """A present member as `user:usr_…`, from that, `usr_…` or their address.

    Raises:
        Malformed: naming the field.
    """
    wanted = given.strip()
    if "@" in wanted and "\0" not in wanted:
        found = User.objects.filter(email__iexact=wanted).values_list("id", flat=True).first()
        wanted = found or ""
    subject = f"user:{wanted.removeprefix('user:')}"
    holder = directory.member_of(subject)
    if holder is None or not holder.active or (holder.until is not None and holder.until <= timezone.now()):
        raise Malformed("is no member here: give an e-mail address or an id such as usr_01K…", where)
    return subject


def names() -> dict[str, str]:
    """How people call what rules of the open tenant may name: roles by code, groups and members by id."""
    directory = read_directory(timezone.now())
    found = {role.code: role.name for role in directory.roles.values()}
    found |= {group.id: group.name for group in directory.groups.values()}
    members = [one.subject.removeprefix("user:") for one in directory.holders.values() if one.kind == "member"]
    for user_id, name, email in User.objects.filter(id__in=members).values_list("id", "name", "email"):
        found[f"user:{user_id}"] = name or email
    return found


def names_for(rules: Rules) -> dict[str, str]:
    """The same, and the codes of the assets that these rules name."""
    ids = {asset for clause in rules.clauses for asset in clause.assets}
    return {**names(), **{asset.id: asset.code for asset in find_assets(ids).values()}}


def _clause(directory: Directory, clause: Clause, where: str) -> Clause:
    for one in clause.frameworks:
        if one != OWN_CONTROLS:
            _named(f"{where}.frameworks", find_catalog, one)
    assets = tuple(dict.fromkeys(find_asset(one, f"{where}.assets").id for one in clause.assets))
    return replace(clause, assets=assets, levels=_levels(directory, clause.levels, f"{where}.levels"))


def _levels(directory: Directory, levels: tuple[Level, ...], where: str) -> tuple[Level, ...]:
    return tuple(_level(directory, level, f"{where}[{place}]") for place, level in enumerate(levels))


def _level(directory: Directory, level: Level, where: str) -> Level:
    codes = {role.code for role in directory.roles.values()}
    if strange := [one for one in level.roles if one not in codes]:
        raise Malformed(f"there is no role {strange[0]} here", f"{where}.roles")
    by_name = {group.name: group.id for group in directory.groups.values()}
    groups = []
    for one in level.groups:
        if one not in directory.groups and one not in by_name:
            raise Malformed("holds a group that is not there", f"{where}.groups")
        groups.append(one if one in directory.groups else by_name[one])
    people = (person_of(directory, one, f"{where}.people") for one in level.people)
    return replace(level, groups=tuple(dict.fromkeys(groups)), people=tuple(dict.fromkeys(people)))


def _named(where: str, find: Callable[[str], object], wanted: str) -> None:
    try:
        find(wanted)
    except Malformed as error:
        raise Malformed(error.reason, where) from None


def case_of(given: Case) -> Case:
    """A made-up case with its assets as ids, and their criticalities beside those that were given.

    Args:
        given: whose assets may be codes.

    Raises:
        Malformed: naming the field.
    """
    assets = [find_asset(one, "case.assets") for one in sorted(given.assets)]
    return replace(
        given,
        assets=frozenset(one.id for one in assets),
        criticalities=given.criticalities | {one.criticality for one in assets},
    )


def requester_of(given: str) -> str:
    """Who asks in a made-up case, as `user:usr_…`; "" of "".

    Raises:
        Malformed: naming the field.
    """
    return person_of(read_directory(timezone.now()), given, "case.requester") if given.strip() else ""
