"""Addresses of the overview."""

from django.urls import path

from muniment.server.overview import views

app_name = "overview"
urlpatterns = [path("", views.home, name="home")]
