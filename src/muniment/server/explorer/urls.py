"""Addresses of the explorer."""

from django.urls import path

from muniment.server.explorer import entry_views, trace_views, views

app_name = "explorer"
urlpatterns = [
    path("ledger", views.ledger, name="ledger"),
    path("ledger/live", views.live, name="live"),
    path("ledger/export", views.export_shown, name="export"),
    path("ledger/views", views.save, name="save-view"),
    path("ledger/views/<str:view_id>/remove", views.remove, name="remove-view"),
    path("ledger/<int:seq>", entry_views.entry, name="entry"),
    path("ledger/<int:seq>/panel", entry_views.panel, name="panel"),
    path("ledger/<int:seq>/text", entry_views.text, name="text"),
    path("ledger/<int:seq>/proof", entry_views.proof, name="proof"),
    path("ledger/<int:seq>/body", entry_views.body, name="body"),
    path("trace/<path:name>", trace_views.trace, name="trace"),
]
