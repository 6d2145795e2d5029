"""Use cases of the packet desk: the only writers of its rows. Each runs in an open `tenant_scope`, `build` aside."""

from muniment.server.packets.services.delivering import (
    Handed,
    build,
    deliveries_of,
    hand_over,
    offer_link,
    request_of_link,
)
from muniment.server.packets.services.parties import Party, erase_party, parties
from muniment.server.packets.services.recording import history_of
from muniment.server.packets.services.requests import (
    approve,
    ask,
    matter_of,
    nda_of,
    refuse,
    request_for,
    requests,
    sign,
    signature_of,
    withdraw,
)
from muniment.server.packets.services.rules import nda_for, nda_in_force, ndas, publish_nda, rules, set_rules
from muniment.server.packets.services.scopes import NoSuch, save_scope, scope_for, scopes, versions_of

__all__ = [
    "Handed",
    "NoSuch",
    "Party",
    "approve",
    "ask",
    "build",
    "deliveries_of",
    "erase_party",
    "hand_over",
    "history_of",
    "matter_of",
    "nda_for",
    "nda_in_force",
    "nda_of",
    "ndas",
    "offer_link",
    "parties",
    "publish_nda",
    "refuse",
    "request_for",
    "request_of_link",
    "requests",
    "rules",
    "save_scope",
    "scope_for",
    "scopes",
    "set_rules",
    "sign",
    "signature_of",
    "versions_of",
    "withdraw",
]
