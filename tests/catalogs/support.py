"""A small catalog that tests change one thing of."""

import json
from typing import Any

SMALL: dict[str, Any] = {
    "format": "muniment-catalog/1",
    "id": "acme-1",
    "title": "House rules",
    "version": "1",
    "publisher": "Acme",
    "source": "the wall of the kitchen",
    "checked_against": "the wall of the kitchen",
    "licence": "ours",
    "licence_class": "A",
    "count": {"number": 3, "what": "rules", "source": "the last line on the wall"},
    "sets": [{"id": "strict", "title": "Strict rules", "number": 1}],
    "requirements": [
        {"id": "1", "kind": "group", "label": "Doors"},
        {"id": "1.1", "label": "Doors are shut", "parent": "1", "sets": ["strict"]},
        {"id": "1.2", "parent": "1"},
        {"id": "1.2.a", "kind": "part", "parent": "1.2"},
        {"id": "2", "label": "Lights are out"},
    ],
}


def text_of(value: dict[str, Any]) -> bytes:
    """The file as an editor writes it."""
    return json.dumps(value, indent=2).encode()


def changed(path: tuple[str | int, ...], value: Any) -> bytes:
    """The small catalog with one value replaced, or added where there was none."""
    made = json.loads(json.dumps(SMALL))
    holder = made
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return text_of(made)
