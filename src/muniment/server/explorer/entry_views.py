"""One entry: its page, the same in the side panel, and its downloads."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from muniment.ledger.proofs import NotSealed, tlog_proof
from muniment.ledger.read import StoredBody, StoredEntry, entry_at
from muniment.server.access.pages import page, page_standing
from muniment.server.access.standing import Standing
from muniment.server.anchors.commands import openssl_command
from muniment.server.capabilities import Capability
from muniment.server.explorer.bodies import visible
from muniment.server.explorer.causality import MAX_DEPTH, MAX_NODES, causality_of
from muniment.server.explorer.details import MAX_SEQ, details_of
from muniment.server.explorer.lanes import draw
from muniment.server.explorer.names import names_of
from muniment.server.explorer.reading import quick_transaction
from muniment.server.explorer.rows import PERSON, people_in, row_of
from muniment.server.frameworks.services import mapping_in_force
from muniment.server.record.addresses import api_address
from muniment.server.record.services import record_of


@page(needs=Capability.LEDGER_READ)
def entry(request: HttpRequest, seq: int) -> HttpResponse:
    """Everything about one entry."""
    standing = page_standing(request)
    mapping = mapping_in_force()
    with quick_transaction(standing) as reading:
        details = details_of(reading, standing, seq)
        stored = entry_at(reading, standing.log_id, seq) if details is not None else None
        if details is None or stored is None:
            raise Http404
        record = record_of(reading, standing, stored, mapping, api_address(request))
        found = causality_of(reading, standing.log_id, details.entry)
    names = names_of(standing.tenant_id, {h.actor for h in found.happenings if h.actor.startswith(PERSON)})
    context = _context(request, standing, details) | {
        "found": found,
        "record": record,
        "record_held": [one for one in record["controls"] if one["recorded"]],
        "record_laid": [one for one in record["controls"] if not one["recorded"]],
        "drawing": draw(found, names),
        "max_nodes": MAX_NODES,
        "max_depth": MAX_DEPTH,
        "pretty": visible(json.dumps(details.document, indent=2, ensure_ascii=False)),
        "may_export": standing.may(Capability.EXPORT_CREATE),
    }
    return render(request, "explorer/entry.html", context)


@page(needs=Capability.LEDGER_READ)
def panel(request: HttpRequest, seq: int) -> HttpResponse:
    """The proof of an entry in the side panel."""
    standing = page_standing(request)
    with quick_transaction(standing) as reading:
        details = details_of(reading, standing, seq)
    if details is None:
        raise Http404
    return render(request, "explorer/panel.html", _context(request, standing, details))


@page(needs=Capability.LEDGER_READ)
def text(request: HttpRequest, seq: int) -> HttpResponse:
    """The canonical text, byte for byte what was hashed."""
    stored, _body = _entry(page_standing(request), seq)
    return HttpResponse(stored.text, content_type="application/octet-stream", headers=_named(f"entry-{seq}.json"))


@page(needs=Capability.LEDGER_READ)
def proof(request: HttpRequest, seq: int) -> HttpResponse:
    """The inclusion proof as a file (C2SP tlog-proof)."""
    standing = page_standing(request)
    _entry(standing, seq)
    try:
        with standing.transaction() as reading:
            made = tlog_proof(reading, standing.log_id, standing.origin, seq).text()
    except NotSealed as error:
        return HttpResponse(f"Not sealed yet: {error}.\n", status=409, content_type="text/plain; charset=utf-8")
    return HttpResponse(made, content_type="text/plain; charset=utf-8", headers=_named(f"entry-{seq}.tlog-proof"))


@page(needs=Capability.BODY_READ)
def body(request: HttpRequest, seq: int) -> HttpResponse:
    """The body's bytes, to be kept and not to be opened here."""
    standing = page_standing(request)
    standing.require(Capability.LEDGER_READ)
    _stored, found = _entry(standing, seq)
    if found is None or found.body is None:
        raise Http404
    return HttpResponse(found.body, content_type="application/octet-stream", headers=_named(f"entry-{seq}.body"))


def _entry(standing: Standing, seq: int) -> tuple[StoredEntry, StoredBody | None]:
    with standing.transaction() as reading:
        found = entry_at(reading, standing.log_id, seq) if seq <= MAX_SEQ else None
    if found is None:
        raise Http404
    return found


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}


def _context(request: HttpRequest, standing: Standing, details: Any) -> dict[str, Any]:
    names = names_of(standing.tenant_id, people_in([details.document]))
    seq, anchors = details.entry.seq, details.anchors
    public = settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"
    prefix = reverse("explorer:ledger").removesuffix("/ledger")
    return {
        "details": details,
        "row": row_of(details.entry, details.document, details.standing, names),
        "event": details.document["event"],
        "origin": standing.origin,
        "may_see_bodies": standing.may(Capability.BODY_READ),
        "curl": f'curl -H "Authorization: Bearer $MUNIMENT_READ_KEY" {public}{prefix}/api/entries/{seq}',
        "curl_bundle": (
            f'curl -H "Authorization: Bearer $MUNIMENT_READ_KEY" -H "Content-Type: application/json" '
            f"-d '{{\"seqs\":[{seq}]}}' -o entry-{seq}.bundle {public}{prefix}/api/bundles"
        ),
        "verify": f"muniment verify entry-{seq}.bundle"
        + "".join(f" --timestamp-root {name}-root.pem" for name in dict.fromkeys(one.authority for one in anchors)),
        "openssl": [
            (f"the timestamp of {one.authority} over its note, with OpenSSL", openssl_command(one.size, one.authority))
            for one in anchors
        ],
        "prev_url": reverse("explorer:entry", args=[seq - 1]) if details.before else None,
        "next_url": reverse("explorer:entry", args=[seq + 1]) if details.after else None,
    }
