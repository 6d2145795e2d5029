"""The service around the operations: documents, unknown addresses and methods, headers, health."""

import re
from pathlib import Path

import httpx
import orjson
import pytest

from muniment.server.problems import KINDS, URN
from tests.support.servers import Installation, client_with


@pytest.fixture
def nobody(installation: Installation) -> httpx.Client:
    return client_with(installation.url, None)


def test_the_page_needs_nothing_from_elsewhere_and_its_files_are_all_here(nobody: httpx.Client) -> None:
    page = nobody.get("/api/docs")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert linked
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    for address in linked:
        assert address.startswith("/api/docs/")
        file = nobody.get(address)
        assert file.status_code == 200
        assert file.content
    assert nobody.get("/api/docs/..%2f..%2fsettings.py").status_code == 404
    assert nobody.get("/api/docs/swagger-ui-init.js").status_code == 404


def test_the_document_shows_every_operation_appends_included(nobody: httpx.Client) -> None:
    document = nobody.get("/api/openapi.json").json()
    operations = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert operations >= {
        ("post", "/api/events"),
        ("get", "/api/entries"),
        ("get", "/api/entries/{seq}"),
        ("get", "/api/entries/{seq}/proof"),
        ("get", "/api/entries/{source}/{event}"),
        ("post", "/api/bundles"),
        ("get", "/api/log"),
        ("get", "/api/audit/verify"),
        ("post", "/api/audit/walks"),
        ("get", "/logs/{resource}"),
        ("get", "/healthz"),
    }
    references = set(re.findall(rb'"#/components/schemas/([^"]+)"', orjson.dumps(document)))
    assert {name.decode() for name in references} <= set(document["components"]["schemas"])
    assert document["paths"]["/api/entries"]["get"]["security"] == [{"ApiKey": []}]


def test_every_kind_of_problem_is_documented(nobody: httpx.Client) -> None:
    document = nobody.get("/api/openapi.json").json()
    named = document["components"]["schemas"]["Problem"]["properties"]["type"]["enum"]
    assert named == [URN + name for name in KINDS]


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/events/", "/api/nothing", "/logs/", "/logs/x"])
def test_an_unknown_address_is_a_problem(nobody: httpx.Client, path: str) -> None:
    answer = nobody.get(path)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:muniment:problem:not-found"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/events"),
        ("PUT", "/api/events"),
        ("DELETE", "/api/entries"),
        ("POST", "/api/log"),
        ("PATCH", "/healthz"),
    ],
)
def test_a_method_that_an_address_does_not_answer_is_a_problem(nobody: httpx.Client, method: str, path: str) -> None:
    answer = nobody.request(method, path)
    assert answer.status_code == 405
    assert answer.json()["type"] == "urn:muniment:problem:method-not-allowed"
    assert answer.headers["Allow"]


@pytest.mark.parametrize(
    ("path", "allowed"), [("/healthz", "GET, HEAD, OPTIONS"), ("/api/audit/walks", "GET, HEAD, OPTIONS, POST")]
)
def test_options_say_what_an_address_answers(nobody: httpx.Client, path: str, allowed: str) -> None:
    answer = nobody.options(path)
    assert (answer.status_code, answer.headers["Allow"], answer.content) == (204, allowed, b"")


def test_options_of_the_ingest_say_what_it_answers(nobody: httpx.Client) -> None:
    answer = nobody.options("/api/events")
    assert (answer.status_code, answer.headers["Allow"]) == (204, "POST, OPTIONS")


@pytest.mark.parametrize("path", ["/healthz", "/api/nothing", "/api/log", "/api/events"])
def test_every_answer_has_a_request_id_and_is_not_sniffed(nobody: httpx.Client, path: str) -> None:
    first, second = nobody.get(path), nobody.get(path)
    named = nobody.get(path, headers={"X-Request-Id": "abc-1"})
    forged = nobody.get(path, headers={"X-Request-Id": "a b\tc"})
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]
    assert named.headers["X-Request-Id"] == "abc-1"
    assert forged.headers["X-Request-Id"] != "a b\tc"
    assert first.headers["X-Content-Type-Options"] == "nosniff"
    assert first.headers["Cache-Control"] == "no-store"
    assert "server" not in first.headers


def test_the_server_lives_and_says_whether_it_is_ready(installation: Installation, nobody: httpx.Client) -> None:
    assert nobody.get("/healthz").json() == {"ok": True}
    installation.say_that_sealing_works()
    ready = nobody.get("/readyz")
    assert (ready.status_code, ready.json()["ok"]) == (200, True)
    (installation.places.run / "background.json").unlink()
    late = nobody.get("/readyz")
    assert (late.status_code, late.json()["checks"]["sealing"]) == (503, False)


def test_the_page_about_the_api_lists_every_kind_of_problem_with_its_status() -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", page, re.MULTILINE)
    assert listed == [(kind.name, str(kind.status)) for kind in KINDS.values()]
