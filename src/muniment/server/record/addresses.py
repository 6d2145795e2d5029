"""The API's own address, as it is written into records and exports."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


def api_address(request: HttpRequest) -> str:
    """Where the API of the request's tenant can be asked, without `/api` and without a slash at the end."""
    public = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    return f"{public}{reverse('explorer:ledger').removesuffix('/ledger')}"
