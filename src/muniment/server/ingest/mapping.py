"""Which control ids the entries of a key get: the mapping in force for its log, and the ids that its tenant knows."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from muniment.catalogs.known import is_shipped, refuse_unknown
from muniment.core.errors import Malformed
from muniment.ledger.mappings import mapping_of_text
from muniment.ledger.refused import KeyRefused
from muniment.server.problems import Problem

if TYPE_CHECKING:
    from muniment.catalogs.overrides import ResolvedMapping
    from muniment.ledger.mappings import OfKey
    from muniment.server.ingest.submission import Draft

Ask = Callable[[str | None, Sequence[str]], Awaitable["OfKey | None"]]
"""Asks the database: the version whose text is here, and control ids to look for."""

REMEMBERED_LOGS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Mapped:
    """Drafts with the control ids of their entries.

    Attributes:
        version: of the mapping that gave them.
        controls: for each draft, in order; None where it is refused.
        problems: why, by the draft's place.
    """

    version: str
    controls: list[tuple[str, ...] | None]
    problems: dict[int, Problem]


class Mappings:
    """The mappings of the logs that were written lately.

    What is remembered may be out of date. That cannot map an event wrongly: the database refuses entries under another
    mapping than the one in force, and the caller then forgets and maps anew.
    """

    def __init__(self) -> None:
        self._held: OrderedDict[int, ResolvedMapping] = OrderedDict()

    def forget(self, log_id: int) -> None:
        """Ask the database the next time."""
        self._held.pop(log_id, None)

    async def map(self, log_id: int, drafts: Sequence[Draft], ask: Ask) -> Mapped:
        """Say what the entries of drafts hold, and which drafts name a control that the tenant does not have.

        Raises:
            KeyRefused: if the key was revoked meanwhile.
            ProblemError: unavailable.
        """
        strange = sorted({one for draft in drafts for one in draft.submission.event.controls if not is_shipped(one)})
        mapping = self._held.get(log_id)
        known: frozenset[str] = frozenset()
        if mapping is None or strange:
            answer = await ask(None if mapping is None else mapping.version, strange)
            if answer is None:
                raise KeyRefused("the API key is unknown or revoked", "key")
            known = answer.known
            if mapping is None or answer.version != mapping.version:
                mapping = mapping_of_text(answer.version, answer.resolved or "")
                self._held[log_id] = mapping
                while len(self._held) > REMEMBERED_LOGS:
                    self._held.popitem(last=False)
        controls: list[tuple[str, ...] | None] = []
        problems: dict[int, Problem] = {}
        for at, draft in enumerate(drafts):
            event = draft.submission.event
            try:
                if strange:
                    refuse_unknown(event.controls, lambda one: is_shipped(one) or one in known)
                controls.append(mapping.controls_for(event.action, event.controls))
            except Malformed as error:
                controls.append(None)
                problems[at] = Problem("invalid-event", error.reason, error.where)
        return Mapped(mapping.version, controls, problems)
