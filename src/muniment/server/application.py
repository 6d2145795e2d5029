"""The API as one object: every operation, the errors they end in, and the document that describes them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser

from muniment.server.anchors import api as anchors
from muniment.server.anomalies import api as anomalies
from muniment.server.api import audit, bundles, docs, entries, health, logs, proofs
from muniment.server.api.description import complete
from muniment.server.api.faults import install
from muniment.server.approvals import api as approvals
from muniment.server.assets import api as assets
from muniment.server.attachments import api as attachments
from muniment.server.attachments import quarantine
from muniment.server.causality import api as causality
from muniment.server.comments import api as comments
from muniment.server.controls import api as controls
from muniment.server.dlp import api as dlp
from muniment.server.exceptions import api as exceptions
from muniment.server.explorer import api as explorer
from muniment.server.exports import api as exports
from muniment.server.frameworks import api as frameworks
from muniment.server.ingest.jsontext import MalformedJson, Scanner
from muniment.server.matrix import api as matrix
from muniment.server.members import api as members
from muniment.server.notifications import api as notifications
from muniment.server.overview import api as overview
from muniment.server.packets import api as packets
from muniment.server.packets.building import api as packet_building
from muniment.server.policies import api as policies
from muniment.server.populations import api as populations
from muniment.server.problems import refuse
from muniment.server.reasons import api as reasons
from muniment.server.record import api as record
from muniment.server.remediation import api as remediation
from muniment.server.reports import api as reports
from muniment.server.risks import api as risks
from muniment.server.signing import api as signing
from muniment.server.sources import api as sources
from muniment.server.sso import api as sso
from muniment.server.statements import api as statements
from muniment.server.tables import api as tables
from muniment.server.tenancy import api as tenancy
from muniment.server.trail import api as trail
from muniment.server.verification import api as verification
from muniment.server.work import api as work
from muniment.version import __version__


class StrictJson(Parser):
    """Reads request bodies without choosing between two members of one name."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body as Python objects.

        Raises:
            ProblemError: malformed-json.
        """
        scanner = Scanner()
        try:
            scanner.begin(request.body.decode("utf-8"))
            value = scanner.value()
            scanner.finish()
        except UnicodeDecodeError as error:
            raise refuse("malformed-encoding", f"the body is not UTF-8 at byte {error.start}") from None
        except MalformedJson as error:
            raise refuse("malformed-json", error.reason) from None
        if value.fault is not None:
            raise refuse("malformed-json", f"the body {value.fault}")
        return value.parsed


class LedgerAPI(NinjaAPI):
    """django-ninja's API, with the appends described beside the operations that are its own."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """The OpenAPI document. It takes a second of processor time, and anybody may ask: each path's is made once."""
        return self._described(self.get_root_path(path_params or {}) if path_prefix is None else path_prefix)

    @lru_cache(maxsize=8)  # noqa: B019 - there is one API, for as long as the process
    def _described(self, path_prefix: str) -> OpenAPISchema:
        schema = super().get_openapi_schema(path_prefix=path_prefix)
        schema.update(complete(dict(schema)))
        return schema


api = LedgerAPI(
    title="Muniment",
    version=__version__,
    description="A tamper-evident evidence ledger. Formats: docs/format.md; this API: docs/api.md.",
    docs_url=None,
    openapi_url="/api/openapi.json",
    urls_namespace="api",
    parser=StrictJson(),
)
install(api)
# Proofs before entries: `5/proof` would else be read as the event "proof" of the source "5".
for module in (
    explorer,
    causality,
    proofs,
    record,
    entries,
    bundles,
    logs,
    audit,
    health,
    docs,
    overview,
    notifications,
    anchors,
    populations,
    exports,
    controls,
    matrix,
    policies,
    assets,
    approvals,
    remediation,
    reports,
    frameworks,
    quarantine,
    attachments,
    dlp,
    packet_building,
    packets,
    reasons,
    signing,
    statements,
    tables,
    comments,
    work,
    exceptions,
    risks,
    verification,
    sources,
    trail,
    sso,
    members,
    anomalies,
    tenancy,
):
    api.add_router("", module.router)
