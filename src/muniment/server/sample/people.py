"""The sample's members, workspaces and API keys: accounts that nobody can sign in to, made by what makes real ones."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from muniment.core.errors import Refused
from muniment.ledger.apikeys import secret_hash
from muniment.server.access.standing import Standing, resolver
from muniment.server.accounts.models import User
from muniment.server.capabilities import Capability
from muniment.server.ingest.submission import default_source
from muniment.server.installation_tenants import REGION
from muniment.server.members.models import Group, Membership, Role, ServiceAccount
from muniment.server.members.services.groups import create_group, put_in_group
from muniment.server.members.services.machines import create_key, create_service, revoke_key
from muniment.server.members.services.memberships import admit
from muniment.server.members.services.roles import create_role
from muniment.server.recording import SERVER, record, record_apart
from muniment.server.sample.numbering import Source
from muniment.server.tenants.identifiers import new_id
from muniment.server.tenants.models import Workspace
from muniment.server.tenants.resolving import RequestTenant
from muniment.server.tenants.scope import tenant_scope

_AUDIT_DAYS: Final = 30


def make_people(tenant: RequestTenant, company: dict[str, Any]) -> dict[str, str]:
    """Make the sample's members; returns their ids by their key in `company.toml`."""
    return {person["key"]: _make_member(tenant, person) for person in company["people"]}


def _make_member(tenant: RequestTenant, person: dict[str, str]) -> str:
    user = User.objects.filter(email=person["address"]).first()
    if user is None:
        user = User.objects.create_user(person["address"], name=person["name"])
        record_apart(None, "user.create", by=SERVER, resource=("user", user.id), labels={"sample": "yes"})
    join(tenant, user, person["role"])
    return str(user.id)


def join(tenant: RequestTenant, user: User, code: str) -> None:
    """Make somebody a member of the sample tenant with one of the built-in roles; a member stays what they are.

    Args:
        tenant: the sample.
        user: who joins.
        code: of the role.

    Raises:
        Refused: if the tenant is not the sample: elsewhere people join by invitation.
    """
    if not tenant.sample:
        raise Refused("this is no sample tenant: people join it by invitation", tenant.slug)
    with tenant_scope(tenant.tenant_id):
        if not Membership.objects.filter(user_id=user.id).exists():
            role = Role.objects.get(code=code)
            until = timezone.now() + timedelta(days=_AUDIT_DAYS) if role.time_boxed else None
            admit(SERVER, tenant_id=tenant.tenant_id, slug=tenant.slug, user_id=user.id, roles=[role.id], until=until)


def standing_of(tenant: RequestTenant, user_id: str) -> Standing:
    """What a person may do in the sample.

    Raises:
        Refused: if they are no member.
    """
    with tenant_scope(tenant.tenant_id):
        standing = resolver().of_user(user_id, tenant.tenant_id)
    if standing is None:
        raise Refused("the sample's administrator is no member any more", tenant.slug)
    return standing


def make_groups(tenant: RequestTenant, standing: Standing) -> None:
    """Make two groups, one in the other, a role of the company's own, and a service account."""
    with tenant_scope(tenant.tenant_id):
        if Group.objects.exists():
            return
        roles = dict(Role.objects.values_list("code", "id"))
        watch = create_role(
            standing,
            code="on-call",
            name="On call",
            description="Reads the ledger and orders walks, at any hour.",
            capabilities=[Capability.LEDGER_READ, Capability.LEDGER_VERIFY, Capability.SOURCE_READ],
        )
        engineers = create_group(standing, name="Engineers", roles=[roles["engineer"]])
        create_group(standing, name="Night shift", roles=[watch.id], parent_id=engineers.id)
        for member in Membership.objects.filter(roles__contains=[roles["engineer"]]):
            put_in_group(standing, engineers.id, member.id)
        create_service(standing, name="SIEM", roles=[roles["viewer"]])


def make_workspaces(tenant: RequestTenant, company: dict[str, Any], by: str) -> None:
    """Make the workspaces that the sample's events name."""
    for name in sorted({capture["workspace"] for capture in company["captures"]}):
        with tenant_scope(tenant.tenant_id):
            workspace, made = Workspace.objects.get_or_create(
                tenant_id=tenant.tenant_id, name=name, defaults={"region": REGION}
            )
            if made:
                record(
                    "workspace.change",
                    by=by,
                    resource=("workspace", workspace.id),
                    workspace=name,
                    labels={"what": "create", "region": REGION},
                )


def make_keys(tenant: RequestTenant, company: dict[str, Any], standing: Standing) -> dict[str, tuple[str, Source]]:
    """Make an append key for each capture, one that reads, and one that was lost and revoked.

    Returns:
        By the capture's name, the key's token and the source that it will write.
    """
    made: dict[str, tuple[str, Source]] = {}
    with tenant_scope(tenant.tenant_id):
        for capture in company["captures"]:
            key = create_key(standing, label=capture["label"], scope="append")
            numbered = capture["kind"] != "plain"
            source = new_id("src") if numbered else _default_source(key.key_id, key.token)
            made[capture["name"]] = key.token, Source(source, numbered)
        service = ServiceAccount.objects.get(name="SIEM")
        create_key(standing, label="SIEM (reads)", scope="read", service_id=service.id)
        lost = create_key(standing, label="laptop (lost)", scope="read")
        revoke_key(standing, lost.key_id)
    return made


def _default_source(key_id: str, token: str) -> str:
    return default_source(key_id, secret_hash(token.split("_", 2)[2]))
