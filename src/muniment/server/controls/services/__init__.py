"""Use cases of the tenant's own controls: the only writers of their rows."""

from muniment.server.controls.services.evidence import evidence_of, newest, own_ids

__all__ = ["evidence_of", "newest", "own_ids"]
