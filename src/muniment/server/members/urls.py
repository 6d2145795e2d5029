"""Addresses of members, roles and groups, each a namespace of its own."""

from django.urls import include, path

from muniment.server.members.views import groups, invitations, joining, members, roles

MEMBERS = (
    path("members", members.index, name="list"),
    path("members/invite", invitations.invite, name="invite"),
    path("members/invitations", invitations.index, name="invitations"),
    path("members/invitations/<slug:invitation_id>/withdraw", invitations.withdraw, name="withdraw"),
    path("members/<slug:member_id>", members.member, name="member"),
    path("members/<slug:member_id>/change", members.change, name="change"),
    path("members/<slug:member_id>/remove", members.remove, name="remove"),
    path("leave", members.leave, name="leave"),
    path("join/<str:token>", joining.join, name="join"),
)
ROLES = (
    path("roles", roles.index, name="list"),
    path("roles/new", roles.create, name="create"),
    path("roles/<slug:role_id>", roles.role, name="role"),
    path("roles/<slug:role_id>/change", roles.change, name="change"),
    path("roles/<slug:role_id>/delete", roles.delete, name="delete"),
)
GROUPS = (
    path("groups", groups.index, name="list"),
    path("groups/new", groups.create, name="create"),
    path("groups/<slug:group_id>", groups.group, name="group"),
    path("groups/<slug:group_id>/change", groups.change, name="change"),
    path("groups/<slug:group_id>/put", groups.put, name="put"),
    path("groups/<slug:group_id>/take", groups.take, name="take"),
    path("groups/<slug:group_id>/delete", groups.delete, name="delete"),
)
urlpatterns = [
    path("", include((MEMBERS, "members"))),
    path("", include((ROLES, "roles"))),
    path("", include((GROUPS, "groups"))),
]
