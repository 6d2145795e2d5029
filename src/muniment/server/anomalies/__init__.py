"""Alerts of the anomaly detection: what is watched, what was found, who looked at it."""
