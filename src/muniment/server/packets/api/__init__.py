"""The packet desk for programs."""

from ninja import Router

from muniment.server.packets.api import requests, rules, scopes

router = Router(tags=["packets"])
for module in (scopes, requests, rules):
    router.add_router("", module.router)
