"""Addresses of exports."""

from django.urls import path

from muniment.server.exports import views

app_name = "exports"
urlpatterns = [
    path("exports", views.index, name="list"),
    path("exports/new", views.new, name="new"),
    path("exports/<str:export_id>", views.export, name="export"),
    path("exports/<str:export_id>/progress", views.progress, name="progress"),
    path("exports/<str:export_id>/file", views.file, name="file"),
]
