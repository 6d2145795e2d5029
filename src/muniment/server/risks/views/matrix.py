"""The page of the matrix: what is in force, its editor, and earlier versions."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from muniment.core.errors import Malformed, Refused
from muniment.server.access.pages import page, page_standing
from muniment.server.capabilities import Capability
from muniment.server.members.names import names_of
from muniment.server.registers.keeping import record_refused
from muniment.server.risks import services
from muniment.server.risks.forms import MatrixForm, sizes
from muniment.server.risks.matrix import LEAST, MOST, Matrix, stored_matrix
from muniment.server.risks.services import Held

_SIZES: Final = range(LEAST, MOST + 1)


@page(needs=Capability.EXCEPTION_READ)
def matrix(request: HttpRequest) -> HttpResponse:
    """The matrix in force, and those before it."""
    standing, held = page_standing(request), services.matrix_in_force()
    rows = services.matrix_versions()
    names = names_of(standing.tenant_id, {row.created_by for row in rows})
    context = {
        "held": held,
        "grid": grid_of(held.matrix),
        "versions": [
            (row, stored_matrix(row.content).size.replace("x", " × "), names.get(row.created_by, "")) for row in rows
        ],
        "may_manage": standing.may(Capability.RISK_MANAGE),
    }
    return render(request, "risks/matrix.html", context)


@page(needs=Capability.RISK_MANAGE, step_up="writes", methods=("GET", "POST"))
def edit(request: HttpRequest) -> HttpResponse:
    """Define the next version; the address says of which size."""
    standing, held = page_standing(request), services.matrix_in_force()
    rows, columns = sizes(request.GET.dict(), held.matrix)
    form = MatrixForm(
        request.POST if request.method == "POST" else None,
        before=held.matrix,
        number=held.number,
        rows=rows,
        columns=columns,
    )
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                said = form.cleaned_data
                row = services.save_matrix(standing, form.matrix(), reason=said["reason"], number=said["number"])
        except (Malformed, Refused) as error:
            record_refused(standing, "risk.matrix", None, error)
            form.accuse(error)
        else:
            messages.success(request, f"Version {row.version} is in force.")
            return HttpResponseRedirect(reverse("risks:matrix"))
    return _editor(request, form, held)


def grid_of(matrix: Matrix) -> list[tuple[str, tuple[str, ...]]]:
    """Rows of a matrix, the likeliest at the top: its label, and its bands."""
    return list(reversed(list(zip(matrix.likelihood, matrix.bands, strict=True))))


def _editor(request: HttpRequest, form: MatrixForm, held: Held) -> HttpResponse:
    context = {
        "form": form,
        "held": held,
        "size": f"{form.rows}x{form.columns}" != held.matrix.size,
        "rows": [(number, f"rows={number}&columns={form.columns}") for number in _SIZES],
        "columns": [(number, f"rows={form.rows}&columns={number}") for number in _SIZES],
        "query": f"rows={form.rows}&columns={form.columns}",
    }
    return render(request, "risks/matrix_form.html", context, status=422 if form.is_bound else 200)
