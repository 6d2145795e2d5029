"""The risk register: risks on the tenant's matrix, their treatment and acceptance, and what exceptions leave behind."""
