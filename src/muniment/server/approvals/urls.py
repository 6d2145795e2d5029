"""Addresses of approvals."""

from django.urls import path

from muniment.server.approvals.views import delegations, rules

app_name = "approvals"
urlpatterns = [
    path("approvals", rules.home, name="home"),
    path("approvals/change", rules.change, name="change"),
    path("approvals/check", rules.check, name="check"),
    path("approvals/save", rules.save, name="save"),
    path("approvals/discard", rules.discard, name="discard"),
    path("approvals/versions/<str:rules_id>", rules.version, name="version"),
    path("approvals/delegations", delegations.index, name="delegations"),
    path("approvals/delegations/new", delegations.away, name="away"),
    path("approvals/delegations/<str:delegation_id>/revoke", delegations.revoke, name="revoke"),
]
