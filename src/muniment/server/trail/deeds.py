"""Entries of the trail as deeds: who did what to what, and the kinds by which they are looked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from muniment.catalogs.actions import registry
from muniment.ledger.read import StoredEntry
from muniment.server.trail.sentences import sentence


@dataclass(frozen=True, slots=True)
class Kind:
    """Some actions that are looked for together.

    Attributes:
        code: as addresses name it.
        title: as pages name it.
        families: first words of actions: `role` takes in every `role.…` that the server records.
        also: actions that are named one by one, whatever their first word.
    """

    code: str
    title: str
    families: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        """The actions of this kind."""
        return tuple(action for action, kind in _KIND_OF.items() if kind == self.code)


KINDS: Final = (
    Kind("sign-in", "Signing in", also=("user.login", "user.logout", "mfa.verify", "idp.claim", "session.revoke")),
    Kind("accounts", "Accounts", ("user", "mfa")),
    Kind("members", "Members", ("member", "mail")),
    Kind("notifications", "Notifications", ("notification",)),
    Kind("alerts", "Alerts", ("alert",)),
    Kind("roles", "Roles and groups", ("role", "group")),
    Kind("keys", "Keys and programs", ("service",), ("key.create", "key.revoke", "key.use", "source.bind")),
    Kind("sso", "Single sign-on", ("sso",)),
    Kind("tenant", "Settings", ("workspace",), ("tenant.create", "tenant.change", "tenant.settings")),
    Kind("exports", "Exports and erasures", ("export",), ("body.erase",)),
    Kind("controls", "Controls and mapping", ("control", "mapping", "catalog", "change")),
    Kind("reviews", "Populations and samples", ("population", "sample")),
    Kind("approvals", "Rules of approval", ("workflow", "delegation")),
    Kind("packets", "Packets and attachments", ("packet", "attachment", "nda", "dlp")),
    Kind("reports", "Reports and statements", ("report", "statement")),
    Kind("signatures", "Signatures", ("entry",)),
    Kind("exceptions", "Exceptions", ("exception",)),
    Kind("risks", "Risks", ("risk",)),
    Kind("registers", "Policies and assets", ("policy", "asset")),
    Kind("remediation", "Tasks, findings and incidents", ("task", "finding", "incident")),
    Kind("work", "Comments and imported tables", ("comment", "table")),
    Kind("reads", "Recorded reads", also=("record.read",)),
    Kind("refusals", "Refusals", ("access",)),
)
NO_DEEDS: Final = frozenset({"kms.unwrap"})
"""What the server records and nobody of the tenant did: keys in use."""


def _kinds() -> dict[str, str]:
    """The code of each action's kind; an action that no kind takes is missing."""
    named = {action: kind.code for kind in KINDS for action in kind.also}
    families = {family: kind.code for kind in KINDS for family in kind.families}
    for code, action in registry().items():
        family = families.get(code.partition(".")[0])
        if family is not None and action.emitter == "server":
            named.setdefault(code, family)
    return named


_KIND_OF: Final = _kinds()
ACTIONS: Final = tuple(_KIND_OF)


@dataclass(frozen=True, slots=True)
class Deed:
    """One entry of the trail.

    Attributes:
        seq: its place in the log.
        at: when it was recorded.
        action: its action.
        outcome: its outcome.
        actor: id of who did it.
        actor_name: the person's name, or "" where none is known.
        what: what was done, as a sentence without its subject.
        about: id of what it was done to, or "".
        about_name: its name where one is known.
        labels: as recorded.
    """

    seq: int
    at: datetime
    action: str
    outcome: str
    actor: str
    actor_name: str
    what: str
    about: str
    about_name: str
    labels: tuple[str, ...]


def deed_of(entry: StoredEntry, names: Mapping[str, str]) -> Deed:
    """An entry as a deed.

    Args:
        entry: of the server's own source.
        names: of people (`user:usr_…`), roles, groups, keys and service accounts, by id.
    """
    event: dict[str, Any] = orjson.loads(entry.text)["event"]
    labels: list[str] = event.get("labels", [])
    facts = dict(label.split("=", 1) for label in labels if "=" in label)
    resource: dict[str, str] = event.get("resource", {})
    about = resource.get("id", "")
    said = sentence(event["action"], resource.get("type", ""), event["outcome"], facts)
    return Deed(
        entry.seq,
        entry.recorded_at,
        event["action"],
        event["outcome"],
        event["actor"]["id"],
        names.get(event["actor"]["id"], ""),
        said,
        about,
        names.get(about) or names.get(f"user:{about}") or "",
        tuple(labels),
    )


def ids_in(entry: StoredEntry) -> set[str]:
    """What names are looked up for: the actor, and what it was done to."""
    event: dict[str, Any] = orjson.loads(entry.text)["event"]
    about = str(event.get("resource", {}).get("id", ""))
    return {str(event["actor"]["id"]), about, f"user:{about}"} - {"", "user:"}
