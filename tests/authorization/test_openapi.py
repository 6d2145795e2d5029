"""The OpenAPI document is what the server does: schemathesis asks every operation what the document allows and more."""

from collections import Counter
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from ninja import Schema
from schemathesis import openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from muniment.server.application import api
from tests.authorization.routes import operations
from tests.support.servers import Installation, Tenant

pytestmark = pytest.mark.long

EXAMPLES = 5
CHECKS = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)


@pytest.fixture
def document(installation: Installation) -> dict[str, Any]:
    described: dict[str, Any] = httpx.get(f"{installation.url}/api/openapi.json", timeout=30, trust_env=False).json()
    return described


def test_the_document_describes_exactly_the_operations_that_there_are(document: dict[str, Any]) -> None:
    described = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    # The page that shows the document is no operation, and appends are answered in front of Django.
    there = {str(route) for route in operations() if not route.path.startswith("/api/docs")}
    assert described - {"POST /api/events"} == there


def test_the_document_that_anybody_may_ask_for_is_made_once() -> None:
    assert api.get_openapi_schema(path_prefix="/api/") is api.get_openapi_schema(path_prefix="/api/")


def test_no_two_operations_and_no_two_shapes_share_a_name(document: dict[str, Any]) -> None:
    named = Counter(about["operationId"] for item in document["paths"].values() for about in item.values())
    assert [name for name, times in named.items() if times > 1] == []
    # The document keeps one of two shapes of one name, and says it of both.
    shapes = [Schema]
    for shape in shapes:
        shapes += shape.__subclasses__()
    ours = Counter(shape.__name__ for shape in shapes if shape.__module__.startswith("muniment.server."))
    assert [name for name, times in ours.items() if times > 1] == []


@pytest.mark.timeout(600)
def test_no_operation_fails_or_answers_what_the_document_does_not_say(
    installation_tenant: Tenant, installation: Installation, document: dict[str, Any]
) -> None:
    token = installation_tenant.made.tokens["read"]
    schema = openapi.from_dict(document)
    schema.config.update(base_url=installation.url)
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            # Nothing seals beside this server; what is older than a while counts as stopped.
            installation.say_that_sealing_works()
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

        ask()
    assert asked >= len(operations())
