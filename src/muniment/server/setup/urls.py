"""Addresses of the first start."""

from django.urls import path

from muniment.server.setup import views

app_name = "setup"
urlpatterns = [
    path("setup", views.home, name="home"),
    path("setup/passkey", views.passkey, name="passkey"),
]
