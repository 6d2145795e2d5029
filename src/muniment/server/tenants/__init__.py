"""Tenants: their settings, hosts, workspaces and data keys, and the isolation of every table that is theirs."""
