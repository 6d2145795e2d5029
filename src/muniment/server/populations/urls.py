"""Addresses of populations and samples."""

from django.urls import path

from muniment.server.populations import sample_views, views

app_name = "populations"
urlpatterns = [
    path("populations", views.index, name="list"),
    path("populations/new", views.count, name="new"),
    path("populations/save", views.save, name="save"),
    path("populations/samples/<str:sample_id>", sample_views.sample, name="sample"),
    path("populations/samples/<str:sample_id>/conclude", sample_views.conclude, name="conclude"),
    path("populations/samples/<str:sample_id>/bundle", sample_views.bundle, name="bundle"),
    path("populations/samples/<str:sample_id>/<int:seq>", sample_views.item, name="item"),
    path("populations/samples/<str:sample_id>/<int:seq>/mark", sample_views.mark, name="mark"),
    path("populations/<str:population_id>", views.population, name="population"),
    path("populations/<str:population_id>/draw", views.draw, name="draw"),
]
