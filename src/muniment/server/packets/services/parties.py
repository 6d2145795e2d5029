"""Who gets packets from outside. The ledger holds a random id; who that is stands here, encrypted and erasable."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import orjson

from muniment.core.errors import Malformed
from muniment.server.packets.models import Recipient, recipient_id
from muniment.server.tenants.secrets import open_sealed, seal

_MAILBOX: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody outside: name and company, 1 to 120 characters, and an e-mail address or ""."""

    name: str
    company: str
    email: str = ""

    def __post_init__(self) -> None:
        for field, value in (("recipient.name", self.name), ("recipient.company", self.company)):
            if not 1 <= len(value) <= 120 or not value.isprintable() or value != value.strip():
                raise Malformed("has 1 to 120 printable characters", field)
        if self.email and not _MAILBOX.fullmatch(self.email):
            raise Malformed("is an e-mail address", "recipient.email")

    @property
    def words(self) -> str:
        """Name and company."""
        return f"{self.name}, {self.company}"


def add_party(tenant_id: UUID, party: Party) -> Recipient:
    """Keep who somebody is, under a new random id."""
    row = Recipient(id=recipient_id(), tenant_id=tenant_id)
    said = {"name": party.name, "company": party.company, "email": party.email}
    row.sealed = seal(tenant_id, _place(row.id), orjson.dumps(said))
    row.save(force_insert=True)
    return row


def parties(ids: Collection[str]) -> dict[str, Party]:
    """Who they are, of those of these ids that are there and were not erased."""
    found = {}
    for row in Recipient.objects.filter(id__in=[one for one in ids if one.startswith("rcp_")]):
        if sealed := bytes(row.sealed):
            said = orjson.loads(open_sealed(row.tenant_id, _place(row.id), sealed))
            found[row.id] = Party(said["name"], said["company"], said["email"])
    return found


def erase_party(wanted: str) -> bool:
    """Forget who somebody is; the id stays. False if there is nobody of that id who is known."""
    return Recipient.objects.filter(id=wanted).exclude(sealed=b"").update(sealed=b"") > 0


def _place(recipient: str) -> str:
    return f"packets_recipient.sealed/{recipient}"
