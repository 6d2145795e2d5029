"""Addresses of the tenant's own controls. What has an id `own:…` cannot be taken for another page."""

from django.urls import path

from muniment.server.controls import views

app_name = "controls"
urlpatterns = [
    path("controls", views.index, name="list"),
    path("controls.csv", views.export, name="table"),
    path("controls/new", views.define, name="new"),
    path("controls/import", views.bring_in, name="import"),
    path("controls/starter", views.starter, name="starter"),
    path("controls/<str:control_id>", views.control, name="control"),
    path("controls/<str:control_id>/change", views.change, name="change"),
    path("controls/<str:control_id>/retire", views.retire, name="retire"),
]
