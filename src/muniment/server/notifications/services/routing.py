"""How people want to be told, as it stands and as they change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from django.utils import timezone

from muniment.core.errors import Refused
from muniment.server.access.standing import Standing
from muniment.server.notifications.models import PersonRouting
from muniment.server.notifications.routing import Choice, Hours, Routing, in_force
from muniment.server.recording import record

_EVERYBODY = ""


def default_routing() -> Routing:
    """What holds in the open tenant for whoever says nothing else."""
    return _read(PersonRouting.objects.filter(user_id=_EVERYBODY).first()) or Routing()


def own_routing(user_id: str) -> Routing | None:
    """What a person chose in the open tenant; None if they never did."""
    return _read(PersonRouting.objects.filter(user_id=user_id).first()) if user_id else None


def routing_of(people: Iterable[str]) -> dict[str, Routing]:
    """What holds for each of some people of the open tenant, with a choice for every event, by their id."""
    wanted = list(people)
    rows = {row.user_id: row for row in PersonRouting.objects.filter(user_id__in=[_EVERYBODY, *wanted])}
    default = _read(rows.get(_EVERYBODY)) or Routing()
    everybody = in_force(default, None)
    return {one: in_force(default, _read(rows[one])) if one in rows else everybody for one in wanted}


def change_own(standing: Standing, routing: Routing) -> None:
    """Set how one is told oneself; recorded.

    Raises:
        Refused: for an API key, which is nobody.
    """
    kind, _, user_id = standing.subject.partition(":")
    if kind != "user":
        raise Refused("an API key is told of nothing: say for whom, or change the tenant's defaults", "person")
    _write(standing, user_id, routing, own_routing(user_id))


def change_default(standing: Standing, routing: Routing) -> None:
    """Set what holds for whoever says nothing else; recorded. Needs `workflow.manage`."""
    _write(standing, _EVERYBODY, routing, default_routing())


def _write(standing: Standing, user_id: str, routing: Routing, before: Routing | None) -> None:
    was = None if before is None else _as_json(before)
    now = _as_json(routing)
    if was == now:
        return
    PersonRouting.objects.update_or_create(
        tenant_id=standing.tenant_id,
        user_id=user_id,
        defaults={**asdict(routing.hours), "choices": now["choices"], "changed_at": timezone.now()},
    )
    record(
        "notification.change",
        by=standing.subject,
        resource=("user", user_id) if user_id else ("tenant", str(standing.tenant_id)),
        labels={"what": "own" if user_id else "default"},
        body={"before": was, "after": now},
    )


def _as_json(routing: Routing) -> dict[str, Any]:
    return {
        "hours": asdict(routing.hours),
        "choices": {code: asdict(choice) for code, choice in sorted(routing.choices.items())},
    }


def _read(row: PersonRouting | None) -> Routing | None:
    if row is None:
        return None
    choices: Mapping[str, Mapping[str, Any]] = row.choices
    return Routing(
        Hours(row.zone, row.digest_hour, row.digest_day, row.quiet_from, row.quiet_to),
        {code: Choice(bool(said["in_app"]), str(said["mail"])) for code, said in choices.items()},
    )
