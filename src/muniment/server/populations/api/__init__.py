"""Populations, samples and marks for programs."""

from ninja import Router

from muniment.server.populations.api import populations, samples

router = Router(tags=["evidence"])
for module in (populations, samples):
    router.add_router("", module.router)
