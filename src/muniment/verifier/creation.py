"""Entry 0: the creation of the log, and what it has to say.

Rules (docs/format.md section 3, "Entry 0"):

- `seq` 0, `prev` 64 zeros, `by` `system:muniment`, action `log.create`, resource of type `log` with the origin as id.
- Among the labels, each once: `log.root` with the root key's name and id, `log.seal-within` with a number of seconds,
  and `log.tenant`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from muniment.core.canonical import Json

_ZEROS: Final = "0" * 64
_ROOT: Final = re.compile(r"[^\s+]+\+[0-9a-f]{8}")
_SECONDS: Final = re.compile(r"0|[1-9][0-9]{0,15}")
_EMPTY: Final[Mapping[str, Json]] = {}


def creation_fault(fields: Mapping[str, Json], origin: str) -> str | None:
    """Say what is wrong with entry 0 as the creation of a log.

    Args:
        fields: of the entry; empty if it could not be read.
        origin: of the log.
    """
    if not fields:
        return "it cannot be read"
    if fields.get("seq") != 0 or fields.get("prev") != _ZEROS or fields.get("by") != "system:muniment":
        return "it is not number 0 with 64 zeros before it, by system:muniment"
    event = _inner(fields, "event")
    resource = _inner(event, "resource")
    if event.get("action") != "log.create":
        return "its action is not log.create"
    if resource.get("type") != "log" or resource.get("id") != origin:
        return f"its resource is not the log {origin}"
    if _ROOT.fullmatch(root_named(fields)) is None:
        return "it does not name one root key in a label log.root"
    if _SECONDS.fullmatch(_label(event, "log.seal-within")) is None:
        return "it does not promise one time of sealing in a label log.seal-within"
    if not _label(event, "log.tenant"):
        return "it does not name one tenant in a label log.tenant"
    return None


def root_named(fields: Mapping[str, Json]) -> str:
    """Give `<key name>+<key id>` of the root key that entry 0 names; empty if it names none, or several."""
    return _label(_inner(fields, "event"), "log.root")


def _inner(fields: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    value = fields.get(key)
    return value if isinstance(value, dict) else _EMPTY


def _label(event: Mapping[str, Json], key: str) -> str:
    labels = event.get("labels")
    found = [
        label.removeprefix(f"{key}=")
        for label in (labels if isinstance(labels, list) else [])
        if isinstance(label, str) and label.startswith(f"{key}=")
    ]
    return found[0] if len(found) == 1 else ""
