"""Membership: who belongs to a tenant, in which roles and groups; invitations and service accounts."""
