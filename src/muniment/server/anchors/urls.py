"""Addresses of anchors."""

from django.urls import path

from muniment.server.anchors import views

app_name = "anchors"
urlpatterns = [
    path("anchors", views.home, name="home"),
    path("anchors/every", views.every, name="every"),
    path("anchors/notes/<int:size>", views.note, name="note"),
    path("anchors/<int:size>/<str:authority>", views.token, name="token"),
    path("anchors/<int:size>/<str:authority>/token", views.download, name="download"),
]
