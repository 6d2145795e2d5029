"""The page that shows this API, from files of the package alone: it works without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import ninja
from django.http import HttpRequest, HttpResponse
from ninja import Router

from muniment.server.api.faults import not_found, problem_response

router = Router()

_STATIC: Final = Path(ninja.__file__).parent / "static" / "ninja"
_FILES: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon.svg": "image/svg+xml",
}
_START: Final = b"""window.addEventListener("load", () => SwaggerUIBundle({
  url: "/api/openapi.json", dom_id: "#page", deepLinking: true, validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis], defaultModelsExpandDepth: 0,
}));
"""
_PAGE: Final = b"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Muniment API</title>
<link rel="stylesheet" href="/api/docs/swagger-ui.css">
<link rel="icon" href="/api/docs/favicon.svg">
<script src="/api/docs/swagger-ui-bundle.js"></script>
<script src="/api/docs/start.js"></script>
</head>
<body><div id="page"></div></body>
</html>
"""
# The page's library writes style attributes; scripts come from here alone.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; font-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@router.get("/api/docs", include_in_schema=False)
def page(request: HttpRequest) -> HttpResponse:
    """The page itself."""
    del request
    return HttpResponse(_PAGE, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _POLICY})


@router.get("/api/docs/{name}", include_in_schema=False)
def file(request: HttpRequest, name: str) -> HttpResponse:
    """A file of the page."""
    del request
    cached = {"Cache-Control": "public, max-age=3600"}
    if name == "start.js":
        return HttpResponse(_START, content_type="text/javascript; charset=utf-8", headers=cached)
    if name not in _FILES:
        return problem_response(not_found())
    return HttpResponse((_STATIC / name).read_bytes(), content_type=f"{_FILES[name]}; charset=utf-8", headers=cached)
