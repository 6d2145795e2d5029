"""Addresses of the controls matrix."""

from django.urls import path

from muniment.server.matrix import views

app_name = "matrix"
urlpatterns = [
    path("matrix", views.home, name="home"),
    path("matrix.csv", views.table, name="table"),
    path("matrix/<str:control_id>", views.control, name="control"),
]
