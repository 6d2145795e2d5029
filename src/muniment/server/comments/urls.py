"""Addresses of comments."""

from django.urls import path

from muniment.server.comments import views

app_name = "comments"
urlpatterns = [path("comments/<slug:kind>/<str:wanted>", views.on, name="on")]
