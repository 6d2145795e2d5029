"""The risk register for programs."""

from ninja import Router

from muniment.server.risks.api import acceptances, matrix, risks

router = Router(tags=["risks"])
for module in (matrix, acceptances, risks):
    router.add_router("", module.router)
