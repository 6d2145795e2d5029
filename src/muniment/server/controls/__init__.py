"""The tenant's own controls: what it says it does, who answers for it, how often, and how that is tested."""
