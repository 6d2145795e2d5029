"""Who can answer for a control: members of the tenant, kept by their random ids."""

from __future__ import annotations

from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from muniment.core.errors import Malformed
from muniment.server.accounts.models import User
from muniment.server.members.models import Membership

_USER = "user:"


def possible_owners(tenant_id: UUID) -> dict[str, str]:
    """The present members of a tenant: `user:usr_…` -> name or address, by name."""
    people = User.objects.filter(id__in=_present(tenant_id)).values_list("id", "name", "email")
    return dict(sorted(((f"{_USER}{one}", name or email) for one, name, email in people), key=lambda pair: pair[1]))


def read_owner(tenant_id: UUID, given: str) -> str:
    """An owner as it is kept, `user:usr_…`, from that, `usr_…` or the address of a member; "" of "".

    Raises:
        Malformed: if the tenant has no such member now.
    """
    text = given.strip()
    if not text:
        return ""
    wanted = text.removeprefix(_USER)
    members = _present(tenant_id)
    if "\0" not in text:
        if "@" in wanted:
            found = User.objects.filter(id__in=members, email__iexact=wanted).values_list("id", flat=True).first()
        else:
            found = wanted if wanted in members else None
        if found is not None:
            return f"{_USER}{found}"
    raise Malformed("is no member here: give an e-mail address or an id such as usr_01K…", "owner")


def _present(tenant_id: UUID) -> list[str]:
    rows = Membership.objects.filter(tenant_id=tenant_id)
    return list(rows.filter(Q(until=None) | Q(until__gt=timezone.now())).values_list("user_id", flat=True))
