"""Addresses of verification."""

from django.urls import path

from muniment.server.verification import views

app_name = "verify"
urlpatterns = [
    path("verify", views.home, name="home"),
    path("verify/order", views.order, name="order"),
    path("verify/progress", views.progress, name="progress"),
    path("verify/walks/<int:number>", views.walk, name="walk"),
    path("verify/offline", views.offline, name="offline"),
    path("verify/verifier.js", views.script, name="script"),
]
