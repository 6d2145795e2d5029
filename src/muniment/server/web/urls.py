"""Addresses of what every page loads."""

from django.urls import path

from muniment.server.access.pages import public_page
from muniment.server.web.assets import static_file

urlpatterns = [
    path(
        "static/<path:path>",
        public_page(reason="styles, scripts and fonts of the public pages too")(static_file),
        name="static",
    )
]
