"""Who is told: people who are there, and where nobody of a case is, those who keep the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from muniment.server.capabilities import Capability
from muniment.server.members.rows import read_directory


@dataclass(frozen=True, slots=True)
class Present:
    """The people of a tenant at one moment.

    Attributes:
        powers: what every present member may do, by `user:usr_…`.
    """

    powers: Mapping[str, frozenset[Capability]]

    @property
    def keepers(self) -> tuple[str, ...]:
        """Those who hold `workflow.manage`."""
        return self.holding(Capability.WORKFLOW_MANAGE)

    def holding(self, capability: Capability) -> tuple[str, ...]:
        """Those who hold a capability, sorted."""
        return tuple(sorted(one for one, power in self.powers.items() if capability in power))

    def of(self, *wanted: str, but: Iterable[str] = ()) -> tuple[str, ...]:
        """Those of some people who are there, each once, without some others; the keepers if none of them is.

        An exception whose owner has left is nobody's otherwise, and would end unseen.
        """
        there = [one for one in dict.fromkeys(wanted) if one in self.powers]
        return tuple(one for one in (there or self.keepers) if one not in set(but))


def present(now: datetime) -> Present:
    """The people of the open tenant."""
    directory = read_directory(now)
    members = [
        holder
        for holder in directory.holders.values()
        if holder.kind == "member" and holder.active and (holder.until is None or holder.until > now)
    ]
    return Present({holder.subject: directory.power(holder).capabilities for holder in members})
