"""Addresses: the pages by noun, then the API. With a tenant's prefix (`/t/<slug>`) the middleware has taken it off."""

from django.urls import include, path

from muniment.server.application import api

handler400 = "muniment.server.web.faults.bad_request"
handler403 = "muniment.server.web.faults.forbidden"
handler404 = "muniment.server.web.faults.not_found"
handler500 = "muniment.server.web.faults.failed"

# Each application with pages brings its own `urls.py`, with a namespace of its own.
PAGES: tuple[str, ...] = (
    "web",
    "accounts",
    "setup",
    "sso",
    "explorer",
    "tables",
    "comments",
    "work",
    "populations",
    "frameworks",
    "controls",
    "matrix",
    "policies",
    "assets",
    "remediation",
    "reports",
    "exports",
    "attachments",
    "dlp",
    "packets.building",
    "packets",
    "approvals",
    "exceptions",
    "risks",
    "reasons",
    "signing",
    "statements",
    "members",
    "tenancy",
    "anchors",
    "overview",
    "verification",
    "sources",
    "trail",
    "notifications",
    "anomalies",
)
urlpatterns = [*(path("", include(f"muniment.server.{name}.urls")) for name in PAGES), path("", api.urls)]
