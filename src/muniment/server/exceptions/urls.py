"""Addresses of exceptions."""

from django.urls import path

from muniment.server.exceptions.views import drafts, steps

app_name = "exceptions"
urlpatterns = [
    path("exceptions", drafts.index, name="list"),
    path("exceptions/new", drafts.new, name="new"),
    path("exceptions/<str:exception_id>", steps.exception, name="exception"),
    path("exceptions/<str:exception_id>/change", drafts.change, name="change"),
    path("exceptions/<str:exception_id>/renew", drafts.renew, name="renew"),
    path("exceptions/<str:exception_id>/chain", drafts.chain, name="chain"),
    path("exceptions/<str:exception_id>/submit", steps.submit, name="submit"),
    path("exceptions/<str:exception_id>/decide", steps.decide, name="decide"),
    path("exceptions/<str:exception_id>/withdraw", steps.withdraw, name="withdraw"),
    path("exceptions/<str:exception_id>/revoke", steps.revoke, name="revoke"),
    path("exceptions/<str:exception_id>/attest", steps.attest, name="attest"),
]
