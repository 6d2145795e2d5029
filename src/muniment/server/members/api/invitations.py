"""Invitations, for programs."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from ninja import Router, Status

from muniment.server.access.operations import Needs
from muniment.server.capabilities import Capability
from muniment.server.members import services
from muniment.server.members.acting import acting, one_id
from muniment.server.members.api.answers import (
    Cursor,
    InvitationIn,
    InvitationMade,
    InvitationOut,
    InvitationPage,
    Limit,
    one_page,
)
from muniment.server.members.links import join_link
from muniment.server.members.models import Invitation
from muniment.server.tenants.resolving import tenant_in_scope

router = Router(tags=["members"])


@router.get(
    "/api/invitations",
    auth=Needs(Capability.MEMBER_READ),
    summary="Open invitations",
    operation_id="invitations",
    response=InvitationPage,
)
def invitations(request: HttpRequest, limit: Limit = 50, cursor: Cursor = None) -> InvitationPage:
    """Those that can still be accepted, without their tokens."""
    with acting(request):
        rows, following = one_page(services.open_invitations(timezone.now()), limit, cursor)
        return InvitationPage(invitations=[_shown(row) for row in rows], cursor=following)


@router.post(
    "/api/invitations",
    auth=Needs(Capability.MEMBER_MANAGE),
    summary="Invite somebody",
    operation_id="invite",
    response={201: InvitationMade},
)
def invite(request: HttpRequest, invitation: InvitationIn) -> Status[InvitationMade]:
    """Sends a link to the address; where no mail is configured, the link stands in this answer alone."""
    with acting(request) as standing:
        tenant = tenant_in_scope()
        offer = services.invite(
            standing,
            tenant,
            email=invitation.email,
            roles=invitation.roles,
            groups=invitation.groups,
            until=invitation.until,
            link_of=lambda token: join_link(request, tenant.slug, token),
        )
        return Status(201, InvitationMade(**_shown(offer.invitation).model_dump(), link=offer.link))


@router.delete(
    "/api/invitations/{invitation_id}",
    auth=Needs(Capability.MEMBER_MANAGE),
    summary="Withdraw an invitation",
    operation_id="withdraw_invitation",
    response={204: None},
)
def withdraw(request: HttpRequest, invitation_id: str) -> Status[None]:
    """Its link leads nowhere from now on."""
    with acting(request) as standing:
        services.withdraw(standing, one_id(invitation_id))
    return Status(204, None)


def _shown(row: Invitation) -> InvitationOut:
    return InvitationOut(
        id=row.id,
        email=row.email,
        roles=row.roles,
        groups=row.groups,
        member_until=row.member_until,
        invited_by=row.invited_by,
        expires_at=row.expires_at,
        delivery=row.delivery,
    )
