"""Addresses of a tenant's settings, and of the choice between tenants."""

from django.urls import path

from muniment.server.tenancy import views

app_name = "tenants"
urlpatterns = [
    path("tenants", views.choose, name="choose"),
    path("settings", views.settings, name="settings"),
    path("settings/change", views.change, name="change"),
    path("settings/verification", views.verification, name="verification"),
    path("settings/workspaces", views.workspace, name="workspace"),
    path("settings/hosts", views.host, name="host"),
    path("settings/hosts/<slug:host_id>/remove", views.unhost, name="unhost"),
    path(".well-known/security.txt", views.security_text, name="security-txt"),
]
