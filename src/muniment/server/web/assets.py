"""Static files: found in the product's own apps, named by their content, served with the caching that this allows."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

from django.apps import apps
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotModified
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

# Static files belong to the installation, so their address does not carry a tenant's prefix.
PREFIX: Final = "/static/"

# A suffix that is not here is not served, whatever lies in the folder.
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".html": "text/html; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
_PACKED: Final = frozenset({".css", ".js", ".svg", ".html", ".txt"})


@dataclass(frozen=True, slots=True)
class Asset:
    """A static file: its bytes, the same packed with gzip where that helps, and the name that its content gives it.

    `version` is the first 16 hex digits of the SHA-256 of `body`.
    """

    body: bytes
    packed: bytes | None
    version: str
    kind: str


class AssetError(Exception):
    """A path that names no file of any static folder."""


@cache
def _roots() -> tuple[Path, ...]:
    return tuple(
        root
        for config in apps.get_app_configs()
        if config.name.split(".")[0] == "muniment" and (root := Path(config.path, "static").resolve()).is_dir()
    )


# A page names dozens of files. Only what was found is kept: asking for what is not there fills nothing.
@lru_cache(maxsize=512)
def locate(path: str) -> Path:
    """The file that a relative path with forward slashes names, inside one of the static folders.

    Raises:
        AssetError: for anything else: absolute paths, parent folders, links that lead out, unknown suffixes.
    """
    parts = path.split("/")
    if "\0" in path or "\\" in path or any(part in ("", ".", "..") for part in parts):
        raise AssetError(path)
    for root in _roots():
        file = root.joinpath(*parts).resolve()
        if file.suffix in TYPES and file.is_relative_to(root) and file.is_file():
            return file
    raise AssetError(path)


@lru_cache(maxsize=512)
def _read(file: Path, modified: int) -> Asset:
    del modified  # Part of the key alone: a file that changes is read anew.
    body = file.read_bytes()
    packed = gzip.compress(body, 9, mtime=0) if file.suffix in _PACKED else None
    return Asset(body, packed, hashlib.sha256(body).hexdigest()[:16], TYPES[file.suffix])


def asset(path: str) -> Asset:
    """The asset at a relative path.

    Raises:
        AssetError: as `locate` does.
    """
    file = locate(path)
    try:
        return _read(file, file.stat().st_mtime_ns)
    except FileNotFoundError:
        # It was there when it was found first.
        raise AssetError(path) from None


def asset_url(path: str) -> str:
    """The address of an asset with its content's name, so that it may be kept for a year.

    Raises:
        AssetError: when there is none, so that a wrong name in a template is found by the first test.
    """
    return f"{PREFIX}{path}?v={asset(path).version}"


@require_safe
def static_file(request: HttpRequest, path: str) -> HttpResponse:
    """Serve an asset: for a year when `v` names its present content, otherwise with an ETag to ask again with."""
    try:
        found = asset(path)
    except AssetError:
        raise Http404("No such file.") from None
    packed = found.packed if "gzip" in request.headers.get("Accept-Encoding", "") else None
    etag = f'"{found.version}-gz"' if packed is not None else f'"{found.version}"'
    given = parse_etags(request.headers.get("If-None-Match", ""))
    response: HttpResponse
    if etag in given or f"W/{etag}" in given:
        response = HttpResponseNotModified()
    else:
        response = HttpResponse(found.body if packed is None else packed, content_type=found.kind)
        if packed is not None:
            response["Content-Encoding"] = "gzip"
    response["ETag"] = etag
    current = request.GET.get("v") == found.version
    response["Cache-Control"] = "public, max-age=31536000, immutable" if current else "no-cache"
    response["X-Content-Type-Options"] = "nosniff"
    patch_vary_headers(response, ["Accept-Encoding"])
    return response
