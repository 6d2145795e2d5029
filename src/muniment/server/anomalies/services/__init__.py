"""Use cases of alerts, the only writers of their tables; each in an open `tenant_scope`. `read_on` opens its own."""

from muniment.server.anomalies.services.acknowledging import acknowledge
from muniment.server.anomalies.services.alerts import (
    PAGE,
    AlertPage,
    NoSuch,
    Seen,
    alert_for,
    alerts,
    open_alerts,
)
from muniment.server.anomalies.services.following import ALERTS_BACK, BATCH, Followed, forget, read_on, read_to
from muniment.server.anomalies.services.settings import change_settings, settings_row, watched

__all__ = [
    "ALERTS_BACK",
    "BATCH",
    "PAGE",
    "AlertPage",
    "Followed",
    "NoSuch",
    "Seen",
    "acknowledge",
    "alert_for",
    "alerts",
    "change_settings",
    "forget",
    "open_alerts",
    "read_on",
    "read_to",
    "settings_row",
    "watched",
]
