"""Use cases of notifications, the only writers of its tables; each runs in an open `tenant_scope`."""

from muniment.server.notifications.services.messages import STATES, SentPage, sent
from muniment.server.notifications.services.notifying import Notice, notify, notify_many
from muniment.server.notifications.services.reading import NoSuch, Page, find, listed, mark_all_read, mark_read, unread
from muniment.server.notifications.services.routing import (
    change_default,
    change_own,
    default_routing,
    own_routing,
    routing_of,
)

__all__ = [
    "STATES",
    "NoSuch",
    "Notice",
    "Page",
    "SentPage",
    "change_default",
    "change_own",
    "default_routing",
    "find",
    "listed",
    "mark_all_read",
    "mark_read",
    "notify",
    "notify_many",
    "own_routing",
    "routing_of",
    "sent",
    "unread",
]
