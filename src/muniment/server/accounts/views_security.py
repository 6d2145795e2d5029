"""The account's own pages: name, password, second factors, sessions."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from muniment.server.access.pages import account_page


@account_page()
def security(request: HttpRequest) -> HttpResponse:
    """Everything about one's own account."""
    return render(request, "account/security.html")
