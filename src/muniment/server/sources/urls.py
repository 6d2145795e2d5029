"""Addresses of sources and of API keys, each a namespace of its own."""

from django.urls import include, path

from muniment.server.sources import key_views, views

SOURCES = (
    path("sources", views.index, name="list"),
    path("sources/connect", views.connect, name="connect"),
    path("sources/connect/<slug:kind>", views.set_up, name="set-up"),
    path("sources/waiting/<slug:key_id>", views.waiting, name="waiting"),
    path("sources/<str:source_id>", views.source, name="source"),
)
KEYS = (
    path("keys", key_views.index, name="list"),
    path("keys/new", key_views.create, name="create"),
    path("keys/services/new", key_views.create_service, name="create-service"),
    path("keys/services/<slug:service_id>/close", key_views.close_service, name="close-service"),
    path("keys/<slug:key_id>/revoke", key_views.revoke, name="revoke"),
)
urlpatterns = [path("", include((SOURCES, "sources"))), path("", include((KEYS, "keys")))]
