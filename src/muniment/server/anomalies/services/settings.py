"""What the open tenant watches."""

from __future__ import annotations

from typing import Final

from django.utils import timezone

from muniment.anomalies.watched import DETECTORS, Watched
from muniment.server.access.standing import Standing
from muniment.server.anomalies.models import Settings
from muniment.server.recording import record

_ALL: Final = tuple(DETECTORS)


def settings_row() -> Settings | None:
    """The settings as somebody left them; None while the defaults hold."""
    return Settings.objects.first()


def watched() -> Watched:
    """The settings in force."""
    row = settings_row()
    return Watched() if row is None else Watched(row.zone, row.sensitivity)


def change_settings(standing: Standing, wanted: Watched) -> bool:
    """Set what is watched and how keenly, from the next entry on; gives whether anything is other than before.

    Another zone has everything learned again from the log, in the hours of that zone.
    """
    before, after = _said(watched()), _said(wanted)
    changed = sorted(name for name in after if after[name] != before[name])
    if not changed:
        return False
    Settings.objects.update_or_create(
        tenant_id=standing.tenant_id,
        defaults={
            "zone": wanted.zone,
            "sensitivity": {name: wanted.of(name) for name in _ALL},
            "changed_by": standing.subject,
            "changed_at": timezone.now(),
        },
    )
    record(
        "tenant.settings",
        by=standing.subject,
        resource=("tenant", str(standing.tenant_id)),
        labels={"changed": ",".join(f"anomalies_{name}" for name in changed)},
        body={"before": {name: before[name] for name in changed}, "after": {name: after[name] for name in changed}},
    )
    return True


def _said(settings: Watched) -> dict[str, str]:
    return {"zone": settings.zone, **{name: settings.of(name) for name in _ALL}}
