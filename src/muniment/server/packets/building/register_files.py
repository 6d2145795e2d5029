"""Exceptions and risks as files of their own, as of a checkpoint: made, and recorded as exports."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from muniment.core.errors import Malformed
from muniment.formats.poam import CONTENT_TYPE as POAM_TYPE
from muniment.server.access.standing import Standing
from muniment.server.capabilities import Capability
from muniment.server.packets.building.registers_extract import TYPES, Form, Register, extract_of
from muniment.server.packets.building.registers_poam import plan_of
from muniment.server.recording import record

POAM: Final = "poam.oscal.json"
_EXTRACTS: Final[dict[str, tuple[Register, Form]]] = {
    "exceptions.csv": ("exceptions", "csv"),
    "exceptions.md": ("exceptions", "md"),
    "risks.csv": ("risks", "csv"),
    "risks.md": ("risks", "md"),
}
NAMES: Final = (*_EXTRACTS, POAM)


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """A file: its name, its media type and its bytes."""

    name: str
    content_type: str
    content: bytes


def register_file(
    standing: Standing,
    name: str,
    *,
    api: str,
    controls: Sequence[str] = (),
    frameworks: Sequence[str] = (),
    size: int | None = None,
) -> RegisterFile:
    """A register as a file, in the open `tenant_scope`; recorded as `export.create` with its digest.

    Args:
        standing: of who takes it; needs `exception.read`.
        name: one of `NAMES`.
        api: address of the API, without `/api`; a plan of action links to it.
        controls: what names one of these, or none at all; with `frameworks`, any of both.
        frameworks: ids of catalogs.
        size: of a checkpoint; None for the newest.

    Raises:
        Malformed: for another name.
        NotSealed: if there is no such checkpoint.
        Refused: for more than a packet takes, and for a plan without any exception.
        VerificationFailed: for what is not what was recorded any more.
    """
    standing.require(Capability.EXCEPTION_READ)
    if name == POAM:
        under, content = plan_of(standing, api=api, controls=controls, frameworks=frameworks, size=size)
        form, content_type = "oscal-poam", POAM_TYPE
    elif name in _EXTRACTS:
        register, kind = _EXTRACTS[name]
        made = extract_of(standing, register, kind, controls=controls, frameworks=frameworks, size=size)
        under, content, form, content_type = made.under, made.content, name, TYPES[kind]
    else:
        raise Malformed(f"is one of {', '.join(NAMES)}", "file")
    record(
        "export.create",
        by=standing.subject,
        labels={"form": form, "size": under.size, "sha256": hashlib.sha256(content).hexdigest()},
        body={"controls": list(controls), "frameworks": list(frameworks)},
    )
    return RegisterFile(name, content_type, content)
