"""Pages of members, invitations, roles and groups."""
