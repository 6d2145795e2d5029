"""The API of members, invitations, roles and groups: the same use cases as the pages."""

from ninja import Router

from muniment.server.members.api import groups, invitations, members, roles

router = Router()
for part in (members, invitations, roles, groups):
    router.add_router("", part.router)

__all__ = ["router"]
