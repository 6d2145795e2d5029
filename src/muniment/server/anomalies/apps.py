"""How Django knows this application."""

from django.apps import AppConfig


class AnomaliesConfig(AppConfig):
    """Anomaly detection over the ledger, and its alerts."""

    name = "muniment.server.anomalies"
    label = "anomalies"
