"""Entries of the trail as sentences. Who did it is shown beside them; a sentence says what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from muniment.ledger.read import StoredEntry


@dataclass(frozen=True, slots=True)
class Kind:
    """Some actions that are looked for together."""

    code: str
    title: str
    actions: tuple[str, ...]


KINDS: Final = (
    Kind("sign-in", "Signing in", ("user.login", "user.logout", "mfa.verify", "idp.claim", "session.revoke")),
    Kind("accounts", "Accounts", ("user.create", "user.change", "mfa.change")),
    Kind("members", "Members", ("member.invite", "member.join", "member.change", "member.remove", "mail.send")),
    Kind("roles", "Roles and groups", ("role.change", "group.change")),
    Kind("keys", "Keys and programs", ("key.create", "key.revoke", "key.use", "service.change", "source.bind")),
    Kind("sso", "Single sign-on", ("sso.change",)),
    Kind("tenant", "Settings", ("tenant.create", "tenant.change", "tenant.settings", "workspace.change")),
    Kind("exports", "Exports and erasures", ("export.create", "body.erase")),
    Kind("reviews", "Populations and samples", ("population.save", "sample.draw", "sample.mark", "sample.conclude")),
    Kind("reads", "Recorded reads", ("record.read",)),
    Kind("refusals", "Refusals", ("access.refuse",)),
)
ACTIONS: Final = tuple(action for kind in KINDS for action in kind.actions)


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
    said = _SENTENCES.get(event["action"], _unknown)(resource.get("type", ""), event["outcome"], facts)
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


_Said = Callable[[str, str, Mapping[str, str]], str]
_VERBS: Final = {"create": "made", "change": "changed", "delete": "deleted", "close": "closed", "withdraw": "withdrew"}


def _went(done: str, failed: str, denied: str = "") -> _Said:
    def say(_type: str, outcome: str, _facts: Mapping[str, str]) -> str:
        return done if outcome in ("success", "unknown") else (denied or failed) if outcome == "denied" else failed

    return say


def _made(noun: str) -> _Said:
    def say(_type: str, outcome: str, facts: Mapping[str, str]) -> str:
        verb = _VERBS.get(facts.get("what", ""), "changed")
        return f"{verb} {noun}" if outcome == "success" else f"tried to change {noun}"

    return say


def _invited(_type: str, outcome: str, facts: Mapping[str, str]) -> str:
    withdrew = facts.get("what", "").startswith("withdr")
    if outcome == "success":
        return "withdrew an invitation" if withdrew else "invited somebody"
    return "tried to withdraw an invitation" if withdrew else "tried to invite somebody"


def _removed(_type: str, outcome: str, facts: Mapping[str, str]) -> str:
    left = facts.get("left") == "yes"
    if outcome == "success":
        return "left the tenant" if left else "removed a member"
    return "tried to leave the tenant" if left else "tried to remove a member"


def _changed(noun: str) -> _Said:
    def say(_type: str, outcome: str, facts: Mapping[str, str]) -> str:
        said = [facts[name] for name in ("changed", "change", "what", "setting") if facts.get(name)]
        what = ", ".join(said).replace(",", ", ").replace("  ", " ").replace("-", " ").replace("_", " ")
        return f"{'changed' if outcome == 'success' else 'tried to change'} {noun}" + (f": {what}" if what else "")

    return say


def _refused(type_: str, outcome: str, facts: Mapping[str, str]) -> str:
    if outcome == "failure":
        return "sent something that could not be used"
    if lacks := facts.get("lacks"):
        return f"was refused a {type_ or 'request'}: lacks {lacks}"
    why = facts.get("reason", "").replace("-", " ")
    return f"was refused a {type_ or 'request'}" + (f": {why}" if why else "")


def _unknown(type_: str, outcome: str, _facts: Mapping[str, str]) -> str:
    return f"did something with a {type_}" if type_ else f"did something ({outcome})"


_SENTENCES: Final[Mapping[str, _Said]] = {
    "user.login": _went("signed in", "failed to sign in", "was not let in"),
    "user.logout": _went("signed out", "failed to sign out"),
    "mfa.verify": _went("gave a second factor", "gave a wrong second factor"),
    "idp.claim": _went("came in through an identity provider", "brought a claim that was refused"),
    "session.revoke": _went("ended a session", "failed to end a session"),
    "user.create": _went("has an account now", "could not be given an account"),
    "user.change": _changed("an account"),
    "mfa.change": _changed("second factors"),
    "member.invite": _invited,
    "member.join": _went("became a member", "could not become a member"),
    "member.change": _went("changed a member's roles, groups or time", "could not change a member"),
    "member.remove": _removed,
    "mail.send": _went("had a message sent", "could not have a message sent"),
    "role.change": _made("a role"),
    "group.change": _made("a group"),
    "service.change": _made("a service account"),
    "key.create": _went("made an API key", "could not make an API key"),
    "key.revoke": _went("revoked an API key", "could not revoke an API key"),
    "key.use": _went("asked the API, for the first time in this hour", "asked the API in vain"),
    "source.bind": _went("gave a source to another API key", "could not give a source to another API key"),
    "sso.change": _changed("single sign-on"),
    "tenant.create": _went("made this tenant", "could not make this tenant"),
    "tenant.change": _changed("what is public of this tenant"),
    "tenant.settings": _changed("the tenant's settings"),
    "workspace.change": _made("a workspace"),
    "export.create": _went("took entries out", "failed to take entries out"),
    "population.save": _went("saved a population", "could not save a population"),
    "sample.draw": _went("drew a sample", "could not draw a sample"),
    "sample.mark": _went("marked a sampled entry", "could not mark a sampled entry"),
    "sample.conclude": _went("concluded on a sample", "could not conclude on a sample"),
    "body.erase": _went("erased a payload", "could not erase a payload"),
    "record.read": _went("read", "failed to read"),
    "access.refuse": _refused,
}
