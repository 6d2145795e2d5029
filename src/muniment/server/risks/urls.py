"""Addresses of the risk register."""

from __future__ import annotations

from django.urls import path

from muniment.server.risks.views import acceptances, heatmap, matrix, risks

app_name = "risks"
urlpatterns = [
    path("risks", risks.index, name="list"),
    path("risks/new", risks.new, name="new"),
    path("risks/table.csv", risks.table, name="table"),
    path("risks/heatmap", heatmap.heatmap, name="heatmap"),
    path("risks/trend", heatmap.trend, name="trend"),
    path("risks/snapshot", heatmap.snapshot, name="snapshot"),
    path("risks/matrix", matrix.matrix, name="matrix"),
    path("risks/matrix/edit", matrix.edit, name="matrix-edit"),
    path("risks/<str:risk_id>", risks.risk, name="risk"),
    path("risks/<str:risk_id>/change", risks.change, name="change"),
    path("risks/<str:risk_id>/close", risks.close, name="close"),
    path("risks/<str:risk_id>/reopen", risks.reopen, name="reopen"),
    path("risks/<str:risk_id>/propose", acceptances.propose, name="propose"),
    path("risk-acceptances/<str:acceptance_id>/decide", acceptances.decide, name="decide"),
    path("risk-acceptances/<str:acceptance_id>/withdraw", acceptances.withdraw, name="withdraw"),
    path("risk-acceptances/<str:acceptance_id>/revoke", acceptances.revoke, name="revoke"),
]
