"""Addresses of notifications and of how one is told."""

from django.urls import path

from muniment.server.notifications import views

app_name = "notifications"
urlpatterns = [
    path("notifications", views.index, name="list"),
    path("notifications/read", views.read, name="read"),
    path("notifications/<slug:notification_id>", views.follow, name="open"),
    path("settings/notifications", views.routing, name="routing"),
    path("settings/notifications/defaults", views.defaults, name="defaults"),
    path("settings/notifications/messages", views.sent, name="messages"),
]
