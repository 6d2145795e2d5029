"""Addresses of reasons."""

from django.urls import path

from muniment.server.reasons import views

app_name = "reasons"
urlpatterns = [
    path("changes", views.changes, name="changes"),
    path("changes/required", views.required, name="required"),
]
