"""What was done, as a sentence without its subject: who did it is shown beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final


def sentence(action: str, type_: str, outcome: str, facts: Mapping[str, str]) -> str:
    """What an entry of the trail says was done.

    Args:
        action: as recorded, such as `role.change`.
        type_: of the resource, or "".
        outcome: as recorded.
        facts: its labels `name=value`, by name.

    >>> sentence("packet.build", "packet", "success", {}), sentence("packet.build", "packet", "failure", {})
    ('built a packet', 'could not build a packet')
    """
    said = _SENTENCES.get(action)
    return said(type_, outcome, facts) if said else _by_name(action, outcome)


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


def _role_changed(type_: str, outcome: str, facts: Mapping[str, str]) -> str:
    if facts.get("what") == "release" and outcome == "success":
        return "gave a built-in role what a new version can do"
    return _made("a role")(type_, outcome, facts)


def _tenant_changed(type_: str, outcome: str, facts: Mapping[str, str]) -> str:
    if seconds := facts.get("anchor-every"):
        done = "changed how often the log is anchored" if outcome == "success" else "tried to change the anchoring"
        return f"{done}: every {seconds} s"
    return _changed("what is public of this tenant")(type_, outcome, facts)


def _refused(type_: str, outcome: str, facts: Mapping[str, str]) -> str:
    if outcome == "failure":
        return "sent something that could not be used"
    if lacks := facts.get("lacks"):
        return f"was refused {_one(type_ or 'request')}: lacks {lacks}"
    why = facts.get("reason", "").replace("-", " ")
    return f"was refused {_one(type_ or 'request')}" + (f": {why}" if why else "")


def _by_name(action: str, outcome: str) -> str:
    """A sentence for an action that has none of its own, out of its two words."""
    noun, _, verb = action.rpartition(".")
    past = _PAST.get(verb) or verb + ("d" if verb.endswith("e") else "ed")
    thing = _one(_NOUNS.get(noun, noun))
    if outcome in ("success", "unknown"):
        return f"{past} {thing}"
    return f"was not allowed to {verb} {thing}" if outcome == "denied" else f"could not {verb} {thing}"


def _one(noun: str) -> str:
    return f"an {noun}" if noun[:1] in "aeiou" else f"a {noun}"


_PAST: Final = {
    "add": "added",
    "build": "built",
    "draw": "drew",
    "keep": "kept",
    "get": "fetched",
    "make": "made",
    "read": "read",
    "send": "sent",
    "set": "set",
    "sign": "signed",
    "withdraw": "withdrew",
    "deny": "denied",
    "submit": "submitted",
}
_NOUNS: Final = {"nda": "non-disclosure agreement", "control": "control of the tenant's own", "change": "change"}

_STEPS: Final = {
    "create": "made", "change": "changed", "retire": "retired", "finish": "finished", "skip": "skipped",
    "drop": "dropped", "start": "began to remediate", "resolve": "resolved", "verify": "verified",
    "accept": "accepted", "reopen": "opened again", "contain": "contained", "close": "closed",
    "evidence": "added entries to",
}  # fmt: skip


def _stepped(noun: str) -> _Said:
    def say(_type: str, outcome: str, facts: Mapping[str, str]) -> str:
        verb = _STEPS.get(facts.get("step", ""), "changed")
        return f"{verb} {noun}" if outcome == "success" else f"tried to change {noun}"

    return say


_SENTENCES: Final[Mapping[str, _Said]] = {
    "policy.change": _stepped("a policy"),
    "asset.change": _stepped("an asset"),
    "task.change": _stepped("a task"),
    "finding.change": _stepped("a finding"),
    "incident.change": _stepped("an incident"),
    "table.import": _went("brought in a file", "could not bring in a file", "had a file refused"),
    "comment.add": _went("commented", "could not comment", "had a comment refused"),
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
    "notification.send": _went("told people of something", "could not tell somebody by e-mail"),
    "notification.change": _went("changed how people are told", "could not change how people are told"),
    "alert.raise": _went("raised an alert", "could not raise an alert"),
    "alert.acknowledge": _went("acknowledged an alert", "could not acknowledge an alert"),
    "role.change": _role_changed,
    "group.change": _made("a group"),
    "service.change": _made("a service account"),
    "key.create": _went("made an API key", "could not make an API key"),
    "key.revoke": _went("revoked an API key", "could not revoke an API key"),
    "key.use": _went("asked the API, for the first time in this hour", "asked the API in vain"),
    "source.bind": _went("gave a source to another API key", "could not give a source to another API key"),
    "sso.change": _changed("single sign-on"),
    "tenant.create": _went("made this tenant", "could not make this tenant"),
    "tenant.change": _tenant_changed,
    "tenant.settings": _changed("the tenant's settings"),
    "workspace.change": _made("a workspace"),
    "export.create": _went("took entries out", "failed to take entries out"),
    "export.download": _went("downloaded an export", "was cut off while downloading an export"),
    "population.save": _went("saved a population", "could not save a population"),
    "sample.draw": _went("drew a sample", "could not draw a sample"),
    "sample.mark": _went("marked a sampled entry", "could not mark a sampled entry"),
    "sample.conclude": _went("concluded on a sample", "could not conclude on a sample"),
    "mapping.change": _went("changed which controls actions evidence", "could not change the mapping"),
    "catalog.import": _went("brought in a catalog", "brought a catalog that was refused"),
    "attachment.mismatch": _went("found an attachment altered", "found an attachment altered"),
    "dlp.scan": _went("had a file searched", "could not have a file searched"),
    "dlp.block": _went("brought a file", "brought a file in vain", "brought a file that was blocked"),
    "dlp.release": _went("took a file out of quarantine", "could not take a file out of quarantine"),
    "dlp.change": _went("changed what files are searched for", "could not change what files are searched for"),
    "workflow.change": _went("changed how exceptions are approved", "could not change how exceptions are approved"),
    "delegation.change": _went("changed who decides for whom", "could not change who decides for whom"),
    "packet.scope": _went("wrote down what a packet shall hold", "could not write down what a packet shall hold"),
    "packet.request": _went("asked for a packet", "could not ask for a packet"),
    "packet.approve": _went("approved a request for a packet", "could not approve a request for a packet"),
    "packet.refuse": _went("refused a request for a packet", "could not refuse a request for a packet"),
    "packet.withdraw": _went("withdrew a request for a packet", "could not withdraw a request for a packet"),
    "packet.keep": _went("kept the bytes of a built packet", "could not keep the bytes of a packet"),
    "packet.offer": _went("made a link under which a packet is taken", "could not make a link to a packet"),
    "packet.deliver": _went("took or handed over a packet", "tried to take or hand over a packet"),
    "change.require": _went("changed which actions need a reason", "could not change which actions need a reason"),
    "entry.meanings": _went("changed what signatures can mean", "could not change what signatures can mean"),
    "nda.sign": _went("signed a non-disclosure agreement", "could not sign a non-disclosure agreement"),
    "report.create": _went("made a report", "could not make a report"),
    "statement.issue": _went("issued a statement", "could not issue a statement"),
    "exception.create": _went("drafted an exception", "could not draft an exception"),
    "exception.change": _went("changed a draft of an exception", "could not change an exception"),
    "exception.submit": _went("submitted an exception", "could not submit an exception"),
    "exception.approve": _went("approved an exception", "could not approve an exception"),
    "exception.reject": _went("rejected an exception", "could not reject an exception"),
    "exception.return": _went("returned an exception to be changed", "could not return an exception"),
    "exception.activate": _went("began to apply an exception", "could not begin to apply an exception"),
    "exception.expire": _went("closed an exception whose last day had passed", "could not close an exception"),
    "exception.withdraw": _went("withdrew an exception", "could not withdraw an exception"),
    "exception.revoke": _went("revoked an exception", "could not revoke an exception"),
    "exception.stale": _went("marked the decision on an exception as stale", "could not mark a decision as stale"),
    "exception.attest": _went("attested to an exception", "could not attest to an exception"),
    "risk.matrix": _went("defined the risk matrix", "could not define the risk matrix"),
    "risk.propose": _went("proposed to accept a risk", "could not propose to accept a risk"),
    "risk.refuse": _went("refused to accept a risk", "could not refuse to accept a risk"),
    "risk.lapse": _went("ended the acceptance of a risk", "could not end the acceptance of a risk"),
    "risk.snapshot": _went("kept how the risks stand", "could not keep how the risks stand"),
    "entry.sign": _went("signed an entry", "could not sign an entry"),
    "body.erase": _went("erased a payload", "could not erase a payload"),
    "record.read": _went("read", "failed to read"),
    "access.refuse": _refused,
}
