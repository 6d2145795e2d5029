"""Tasks, findings and incidents for programs."""

from ninja import Router

from muniment.server.remediation.api import findings, incidents, tasks

router = Router(tags=["remediation"])
for module in (tasks, findings, incidents):
    router.add_router("", module.router)
