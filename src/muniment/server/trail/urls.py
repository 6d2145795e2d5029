"""Addresses of the trail."""

from django.urls import path

from muniment.server.trail import views

app_name = "trail"
urlpatterns = [path("trail", views.index, name="list")]
