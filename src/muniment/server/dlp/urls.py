"""Addresses of data protection."""

from django.urls import path

from muniment.server.dlp import views

app_name = "dlp"
urlpatterns = [
    path("data-protection", views.home, name="home"),
    path("data-protection/change", views.change, name="change"),
]
