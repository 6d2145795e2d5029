"""Addresses of reports."""

from django.urls import path

from muniment.server.reports import views

app_name = "reports"
urlpatterns = [
    path("reports", views.index, name="list"),
    path("reports/new", views.new, name="new"),
    path("reports/<str:report_id>", views.report, name="report"),
    path("reports/<str:report_id>/pdf", views.pdf, name="pdf"),
]
