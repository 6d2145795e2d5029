"""Addresses of signatures."""

from django.urls import path

from muniment.server.signing import views

app_name = "signing"
urlpatterns = [
    path("signatures", views.index, name="list"),
    path("signatures/meanings", views.meanings, name="meanings"),
    path("signatures/<int:seq>", views.sign, name="sign"),
]
