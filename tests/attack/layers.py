"""What a row of the tamper matrix says: who attacks, and which layers there are to catch it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

LAYERS: Final[Mapping[str, str]] = {
    "database": "a grant, a constraint, a trigger or a function of the ledger refuses",
    "sealer": "refuses to sign on, because of the last signed head that it keeps outside the database",
    "walk": "the full audit walk in the database, with the root key pinned and the sealer's last head at hand",
    "first-look": "`muniment verify` by somebody who pinned origin, genesis and root key, and never saw a checkpoint",
    "bundle": "`muniment verify` by an auditor who holds an older checkpoint as well",
    "standalone": "the single-file verifier with the auditor's pins",
    "known-logs": "a client without pins that has verified the log up to its newest checkpoint before",
    "shipper": "the agent's shipper does not free the spool of what it sent since its last proof",
}
READERS: Final = ("first-look", "bundle", "standalone", "known-logs")
EVERYBODY: Final = ("walk", *READERS, "shipper", "sealer")

NETWORK = "network client"
APPEND_KEY = "stolen append key"
READ_KEY = "stolen read key"
INGEST = "ingest role"
APP = "app role"
AUDITOR = "auditor role"
OWNER = "table owner"
SUPERUSER = "superuser"
LOG_KEY = "operator with the log key"
BOTH_KEYS = "operator with log and region key"
HEAD_TOO = "the same, and the sealer's file"
BACKUP = "whoever holds a backup"
HANDS_OVER = "whoever hands over a file"
OLD_KEYS = "thief of keys that were since revoked"
SOURCE = "the source itself"


@dataclass(frozen=True, slots=True)
class Attack:
    """One row.

    Attributes:
        name: of the function that performs it.
        attacker: who can do it.
        done: what is done, in words.
        caught_by: check by layer.
        not_caught_by: layers that look at it and do not catch it; all others have nothing to look at.
        remark: why that is so, or what closes it.
    """

    name: str
    attacker: str
    done: str
    caught_by: Mapping[str, str] = field(default_factory=dict)
    not_caught_by: tuple[str, ...] = ()
    remark: str = ""


def refused(name: str, attacker: str, done: str, by: str, remark: str = "") -> Attack:
    """A row in which the database refuses, so that nobody else has anything to look at."""
    return Attack(name, attacker, done, {"database": by}, (), remark)


def seen(
    name: str, attacker: str, done: str, remark: str = "", *, readers: str = "", file: bool = False, **caught: str
) -> Attack:
    """A row over all layers. `readers`: the check by which all who read a bundle catch it."""
    looked = READERS if file else ("database", *EVERYBODY)
    found = dict.fromkeys(READERS, readers) if readers else {}
    for layer, check in caught.items():
        found[layer.replace("_", "-")] = check
    found = {layer: found[layer] for layer in LAYERS if found.get(layer)}
    return Attack(
        name, attacker, done, found, tuple(one for one in LAYERS if one in looked and one not in found), remark
    )


def handed(name: str, attacker: str, done: str, remark: str = "", *, readers: str = "", **caught: str) -> Attack:
    """A row in which the readers of a file alone have something to look at."""
    return seen(name, attacker, done, remark, readers=readers, file=True, **caught)


KEPT = "keeps the spool"
REFUSES = "refuses"
