"""Single sign-on: how people of a tenant sign in with the tenant's own identity provider."""
