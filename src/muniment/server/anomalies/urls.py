"""Addresses of alerts."""

from django.urls import path

from muniment.server.anomalies import views

app_name = "anomalies"
urlpatterns = [
    path("alerts", views.index, name="list"),
    path("alerts/settings", views.settings, name="settings"),
    path("alerts/<str:alert_id>", views.alert, name="alert"),
    path("alerts/<str:alert_id>/acknowledge", views.acknowledge, name="acknowledge"),
]
