"""Addresses of populations and samples."""

from django.urls import URLPattern

app_name = "populations"
urlpatterns: list[URLPattern] = []
