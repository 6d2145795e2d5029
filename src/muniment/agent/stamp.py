"""The stamp of an event: its id and its time."""

from muniment.agent.draft import Draft
from muniment.agent.eventids import EventIds
from muniment.agent.labels import labels_of, labels_text
from muniment.core.identifiers import MAX_LABELS
from muniment.core.times import MAX_TIME9, format_time9


def stamp(drafted: Draft, described: str, now: int, ids: EventIds) -> tuple[str, str, str]:
    """Give an event its id and time: the id, and its text before and after `source`."""
    start, references, labels, middle, end = drafted
    if not 0 <= now <= MAX_TIME9:
        # The clock is outside what the format can say: the event keeps what it showed.
        labels = labels_text([*labels_of(labels)[: MAX_LABELS - 1], f"clock.raw={now}"])
        now = min(max(now, 0), MAX_TIME9)
    identifier = ids.next(now)
    stamp = f',"id":"{identifier}"{labels},"occurred_at":"{format_time9(now)}"'
    return identifier, f"{start}{described}{references}{stamp}{middle}", end
