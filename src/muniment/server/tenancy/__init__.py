"""What a tenant decides about itself: settings, host names, workspaces; and the choice between one's tenants."""
