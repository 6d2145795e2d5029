"""Saved views: the only writer of their rows. They change nothing that is secured, so they are not recorded."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

from django.db.models import Q
from django.utils import timezone

from muniment.core.errors import Malformed, Refused
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.explorer.columns import COLUMNS
from muniment.server.explorer.models import SavedView
from muniment.server.explorer.question import LABELS, read_question

MAX_VIEWS = 100
"""Views of one person."""
MAX_NAME = 64


class NoSuchView(Refused):
    """There is no such view, or it is not this person's to see or change."""


def may_share(standing: Standing) -> bool:
    """Whether somebody may put views before everybody in the tenant: people whose reading is not recorded."""
    return standing.subject.startswith("user:") and not standing.recorded_reads


def views_for(standing: Standing) -> list[SavedView]:
    """A person's own views and the shared ones, by name."""
    rows = SavedView.objects.filter(tenant_id=standing.tenant_id)
    return list(rows.filter(Q(created_by=standing.subject) | Q(shared=True)).order_by("name", "id"))


def default_view(standing: Standing) -> SavedView | None:
    """The view that opens by itself, or None."""
    rows = SavedView.objects.filter(tenant_id=standing.tenant_id)
    return rows.filter(created_by=standing.subject, is_default=True).first()


def view_for(standing: Standing, view_id: str) -> SavedView:
    """A view that a person may see.

    Raises:
        NoSuchView: the same for what is not there and what is not theirs.
    """
    rows = SavedView.objects.filter(tenant_id=standing.tenant_id, id=view_id)
    found = rows.filter(Q(created_by=standing.subject) | Q(shared=True)).first()
    if found is None:
        raise NoSuchView("there is no such view", "view")
    return found


def save_view(
    standing: Standing, *, name: str, query: str, shared: bool = False, is_default: bool = False
) -> SavedView:
    """Keep a question under a name. A view of one's own with that name is replaced.

    Args:
        standing: whose it is.
        name: 1 to 64 characters on one line.
        query: of the ledger page's address: filters and `columns`, nothing else.
        shared: shown to everybody in the tenant; see `may_share`.
        is_default: opens by itself from now on, for its owner.

    Raises:
        Malformed: naming the field.
        Refused: beyond `MAX_VIEWS`, or to share what others would see from somebody who may only read.
    """
    name, query = checked_name(name), checked_query(query)
    if shared and not may_share(standing):
        raise Refused("sharing is for people whose reading is not recorded; keep the view to yourself", "shared")
    rows = SavedView.objects.filter(tenant_id=standing.tenant_id, created_by=standing.subject)
    if not rows.filter(name=name).exists() and rows.count() >= MAX_VIEWS:
        raise Refused(f"you have {MAX_VIEWS} views; remove one first", "name")
    if is_default:
        rows.update(is_default=False)
    saved, _made = SavedView.objects.update_or_create(
        tenant_id=standing.tenant_id,
        created_by=standing.subject,
        name=name,
        defaults={"query": query, "shared": shared, "is_default": is_default},
    )
    return saved


def remove_view(standing: Standing, view_id: str) -> None:
    """Remove a view of one's own; who manages the tenant may remove a shared one too.

    Raises:
        NoSuchView: if it is neither.
    """
    view = view_for(standing, view_id)
    if view.created_by != standing.subject and not standing.may(Capability.TENANT_MANAGE):
        raise NoSuchView("only the person who saved it may remove it", "view")
    view.delete()


def checked_name(name: str) -> str:
    """A view's name without white space around it.

    Raises:
        Malformed: if it is empty, too long, or not one line of text.
    """
    name = name.strip()
    if not name or len(name) > MAX_NAME:
        raise Malformed(f"has 1 to {MAX_NAME} characters", "name")
    if not name.isprintable():
        raise Malformed("holds a character that is not printed", "name")
    return name


def read_query(query: str) -> dict[str, str]:
    """The parameters of a ledger page's query: filters and `columns`, each once.

    Raises:
        Malformed: for anything else.
    """
    text = query.removeprefix("?")
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=40)
    except ValueError:
        raise Malformed("cannot be read", "query") from None
    given = dict(pairs)
    unknown = sorted(set(given) - set(LABELS) - {"columns"})
    if unknown:
        raise Malformed(f"{ascii(unknown[0])[:64]} is no filter", "query")
    if len(given) != len(pairs):
        raise Malformed("names a filter twice", "query")
    return given


def checked_query(query: str) -> str:
    """A query of the ledger page in its one spelling.

    Raises:
        Malformed: for parameters that are no filters, or values that cannot be read.
    """
    given = read_query(query)
    kept = list(read_question(given, timezone.now()).given)
    if columns := [code for code in COLUMNS if code in given.get("columns", "").split(",")]:
        kept.append(("columns", ",".join(columns)))
    return urlencode(kept)
