"""The API as one object: every operation, the errors they end in, and the document that describes them."""

from __future__ import annotations

from typing import Any

from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from muniment import __version__
from muniment.server.api import bundles, docs, entries, health, logs, proofs
from muniment.server.api.description import complete
from muniment.server.api.faults import install


class LedgerAPI(NinjaAPI):
    """django-ninja's API, with the appends described beside the operations that are its own."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The OpenAPI document."""
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        schema.update(complete(dict(schema)))
        return schema


api = LedgerAPI(
    title="Muniment",
    version=__version__,
    description="A tamper-evident evidence ledger. Formats: docs/format.md; this API: docs/api.md.",
    docs_url=None,
    openapi_url="/api/openapi.json",
    urls_namespace="api",
)
install(api)
for module in (entries, proofs, bundles, logs, health, docs):
    api.add_router("", module.router)
