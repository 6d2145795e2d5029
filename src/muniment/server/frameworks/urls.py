"""Addresses of frameworks and the mapping."""

from django.urls import path

from muniment.server.frameworks import views

app_name = "frameworks"
urlpatterns = [
    path("frameworks", views.index, name="list"),
    path("frameworks/import", views.bring_in, name="import"),
    path("frameworks/mapping", views.mapping, name="mapping"),
    path("frameworks/mapping/change", views.change, name="change"),
    path("frameworks/<str:catalog_id>", views.framework, name="framework"),
    path("frameworks/<str:catalog_id>/coverage", views.coverage, name="coverage"),
]
