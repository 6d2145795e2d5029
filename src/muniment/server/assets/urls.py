"""Addresses of the list of assets. Ids begin with `ast_`; a code is taken too, but for `new`."""

from django.urls import path

from muniment.server.assets import views

app_name = "assets"
urlpatterns = [
    path("assets", views.index, name="list"),
    path("assets/new", views.new, name="new"),
    path("assets/<str:asset_id>", views.asset, name="asset"),
    path("assets/<str:asset_id>/change", views.change, name="change"),
    path("assets/<str:asset_id>/retire", views.retire, name="retire"),
]
