"""Static files: kept for a year under the name of their content, else asked for again; nothing else is reachable."""

import gzip
import os
from pathlib import Path

import pytest

from muniment.server.web import assets
from tests.web.conftest import Site

CSS = "/static/muniment/base.css"


def current(site: Site) -> str:
    """The version that a page gives to base.css."""
    page = site.get("/").text
    return page.split("/static/muniment/base.css?v=")[1].split('"')[0]


def test_a_file_under_its_contents_name_is_kept_for_a_year(site: Site) -> None:
    answer = site.get(f"{CSS}?v={current(site)}")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("query", ["", "?v=", "?v=0000000000000000", "?v=00000000000000000000000000000000"])
def test_a_file_under_another_name_is_asked_for_again(site: Site, query: str) -> None:
    answer = site.get(CSS + query)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-cache")
    again = site.get(CSS + query, {"If-None-Match": answer.headers["etag"]})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]


def test_a_changed_file_is_sent_to_who_has_an_older_one(site: Site) -> None:
    assert site.get(CSS, {"If-None-Match": '"0123456789abcdef"'}).status == 200


def test_text_is_packed_for_who_can_read_it_and_has_its_own_tag(site: Site) -> None:
    plain, packed = site.get(CSS), site.get(CSS, {"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["etag"] != plain.headers["etag"]
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    "path",
    [
        "../navigation.py",
        "..%2fnavigation.py",
        "%2e%2e/navigation.py",
        "muniment/../../navigation.py",
        "muniment/..%2f..%2ftemplates/base.html",
        "..%5ctemplates%5cbase.html",
        "/etc/hostname.txt",
        "%2fetc%2fpasswd",
        "muniment//base.css",
        "muniment/./base.css",
        "muniment/base.css%00.css",
        "muniment",
        "muniment/",
        "",
        "vendor/VENDORED.toml",
        "vendor/htmx/LICENSE",
        "muniment/absent.css",
    ],
)
def test_nothing_but_assets_is_reachable(site: Site, path: str) -> None:
    answer = site.get("/static/" + path)
    assert answer.status == 404
    assert b"navigation" not in answer.body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_files_are_only_read(site: Site, method: str) -> None:
    assert site.get(CSS, {"Content-Length": "0"}, method=method).status in {403, 405}


def test_head_tells_the_length_without_the_body(site: Site) -> None:
    whole, head = site.get(CSS), site.get(CSS, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == whole.headers["etag"]


def test_a_file_that_changed_is_read_anew_and_one_that_is_gone_is_not_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(assets, "_roots", lambda: (tmp_path.resolve(),))
    file = tmp_path / "passing.css"
    file.write_text("a {}")
    first = assets.asset("passing.css")
    file.write_text("b {}")
    os.utime(file, ns=(0, 0))
    assert assets.asset("passing.css").version != first.version
    file.unlink()
    with pytest.raises(assets.AssetError):
        assets.asset("passing.css")
