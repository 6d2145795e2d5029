"""The tables of `docs/access.md`: `python -m tests.tenants.accesspage` writes them there."""

import os
from pathlib import Path
from typing import Final

from muniment.server.capabilities import MEANINGS, OF_SCOPE, STEP_UP, Capability
from muniment.server.members.provisioning import BUILTIN

PAGE: Final = Path(__file__).parents[2] / "docs" / "access.md"
_BEGIN: Final = "<!-- capabilities: begin (python -m tests.tenants.accesspage) -->"
_END: Final = "<!-- capabilities: end -->"


def table() -> str:
    """Every capability, what it allows, whether it asks for a fresh second factor, and who has it from the start."""
    named = guarding()
    lines = [
        "| Capability | Allows | Fresh second factor | " + " | ".join(role.code for role in BUILTIN) + " | read key |",
        "|" + "---|" * (len(BUILTIN) + 4),
    ]
    for capability in Capability:
        meaning = MEANINGS[capability] + ("" if capability in named else " (no page or operation asks for it yet)")
        held = [_mark(capability in role.capabilities) for role in BUILTIN]
        cells = [
            f"`{capability}`",
            meaning,
            _mark(capability in STEP_UP),
            *held,
            _mark(capability in OF_SCOPE["read"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def roles() -> str:
    """The roles that every tenant begins with."""
    lines = ["| Role | What it is for | Reading is recorded | Needs an end |", "|---|---|---|---|"]
    for role in BUILTIN:
        cells = (f"{role.name} (`{role.code}`)", role.description, _mark(role.recorded_reads), _mark(role.time_boxed))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def guarding() -> frozenset[Capability]:
    """The capabilities that at least one page or operation names."""
    from tests.authorization.routes import operations, pages

    return frozenset(need for route in (*pages(), *operations()) for need in route.needs)


def with_tables(page: str) -> str:
    """The page with the tables between its marks."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n\n{roles()}\n\n{table()}\n\n{_END}{after}"


def _mark(yes: bool) -> str:
    return "yes" if yes else ""


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "muniment.server.settings")
    django.setup()
    PAGE.write_text(with_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
