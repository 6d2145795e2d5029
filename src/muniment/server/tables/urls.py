"""Addresses of tables."""

from django.urls import path

from muniment.server.tables import views

app_name = "tables"
urlpatterns = [
    path("tables/<slug:noun>", views.listed, name="list"),
    path("tables/<slug:noun>/export", views.export, name="export"),
    path("tables/<slug:noun>/import", views.bring_in, name="import"),
]
