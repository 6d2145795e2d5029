"""Addresses of statements."""

from django.urls import path

from muniment.server.statements import views

app_name = "statements"
urlpatterns = [
    path("statements", views.index, name="list"),
    path("statements/issued/<str:statement_id>", views.issued, name="issued"),
    path("statements/<slug:framework>", views.live, name="live"),
    path("statements/<slug:framework>/issue", views.issue, name="issue"),
]
