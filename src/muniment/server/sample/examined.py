"""The sample's own controls, and an auditor who has examined some of them."""

from __future__ import annotations

from typing import Any

from muniment.server.access.standing import Standing
from muniment.server.controls.services import define, import_starter
from muniment.server.controls.workflow import Definition
from muniment.server.populations.question import read_question
from muniment.server.populations.services import conclude, draw_sample, mark, save_population
from muniment.server.populations.workflow import Plan
from muniment.server.tenants.resolving import RequestTenant
from muniment.server.tenants.scope import tenant_scope


def make_controls(tenant: RequestTenant, company: dict[str, Any], admin: Standing, people: dict[str, str]) -> None:
    """Define the company's controls, and drafts of a framework that it begins with.

    Args:
        tenant: the sample.
        company: the contents of `company.toml`.
        admin: who defines them.
        people: ids of accounts by their key in `company.toml`.
    """
    for one in company["controls"]:
        said = Definition(
            one["statement"],
            owner=f"user:{people[one['owner']]}",
            frequency=one["frequency"],
            procedure=one.get("procedure", ""),
            criteria=tuple(one["criteria"]),
            status="in-force",
        )
        with tenant_scope(tenant.tenant_id):
            define(admin, one["id"], said)
    with tenant_scope(tenant.tenant_id):
        import_starter(admin, "cis-8-1")


def examine(tenant: RequestTenant, company: dict[str, Any], auditor: Standing) -> None:
    """Draw a sample for each control that `company.toml` says was examined, mark it, and conclude.

    Args:
        tenant: the sample.
        company: the contents of `company.toml`.
        auditor: who examines; the log is sealed.
    """
    for one in company["controls"]:
        if "sample" not in one:
            continue
        with tenant_scope(tenant.tenant_id):
            question = read_question({"control": f"own:{one['id']}"})
            population = save_population(auditor, name=f"{one['id']}, the day", question=question)
        with tenant_scope(tenant.tenant_id):
            sample = draw_sample(auditor, population, Plan("random", min(one["sample"], population.count)))
        for number, place in enumerate(sample.places[: one.get("marked", len(sample.places))]):
            with tenant_scope(tenant.tenant_id):
                if number == 0 and "exception" in one:
                    mark(auditor, sample, place, exception=True, conclusion="exception", comment=one["exception"])
                else:
                    mark(auditor, sample, place, ticks=("agreed",), conclusion="satisfied")
        if "result" in one:
            with tenant_scope(tenant.tenant_id):
                conclude(auditor, sample, result=one["result"], comment=one["basis"])
