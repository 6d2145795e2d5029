"""What a report is made of: its kind, its period, its controls or population, its layout. Rules without a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from muniment.core.canonical import Json, dump_json, parse_json
from muniment.core.errors import Malformed
from muniment.reports.layout import Layout, parse_layout
from muniment.server.populations.question import read_question

MAX_CONTROLS: Final = 300
"""Controls of one report."""
MAX_TITLE: Final = 120


@dataclass(frozen=True, slots=True)
class Scope:
    """What is to be reported.

    Attributes:
        kind: control, integrity, custom, board or executive.
        title: of the report; "" for one that follows from the rest.
        framework: of a control report: a catalog's id, `own` for the tenant's own controls, or "".
        controls: of a control report, instead of a framework.
        period: `from` and `to`, either may be absent: recorded at or after, recorded before.
        population: of a custom report.
        layout: of a custom report.
        size: of the checkpoint; None for the newest.
    """

    kind: str
    title: str = ""
    framework: str = ""
    controls: tuple[str, ...] = ()
    period: Mapping[str, str] | None = None
    population: str = ""
    layout: Layout | None = None
    size: int | None = None

    def text(self, size: int) -> str:
        """The scope as canonical JSON, with the checkpoint that was used."""
        said: dict[str, Json] = {"kind": self.kind, "size": size}
        if self.title:
            said["title"] = self.title
        if self.framework:
            said["framework"] = self.framework
        if self.controls:
            said["controls"] = list(self.controls)
        if self.period:
            said["period"] = dict(self.period)
        if self.population:
            said["population"] = self.population
        if self.layout is not None:
            said["layout"] = self.layout.text()
        return dump_json(said).decode()


def control_scope(
    *, framework: str = "", controls: tuple[str, ...] = (), since: str = "", until: str = "", title: str = "",
    size: int | None = None,
) -> Scope:  # fmt: skip
    """The scope of a control evidence report.

    Raises:
        Malformed: naming the field.
    """
    if bool(framework) == bool(controls):
        raise Malformed("give a framework (own for your own controls) or a list of controls", "framework")
    if len(controls) > MAX_CONTROLS:
        raise Malformed(f"has at most {MAX_CONTROLS} controls", "controls")
    if len(set(controls)) != len(controls):
        raise Malformed("names a control twice", "controls")
    period = read_question({"from": since, "to": until}).given
    return Scope("control", checked_title(title), framework, controls, period, size=size)


def executive_scope(*, title: str = "", size: int | None = None) -> Scope:
    """The scope of an executive report.

    Raises:
        Malformed: naming the field.
    """
    return Scope("executive", checked_title(title), size=size)


def integrity_scope(*, title: str = "", size: int | None = None) -> Scope:
    """The scope of an integrity report.

    Raises:
        Malformed: naming the field.
    """
    return Scope("integrity", checked_title(title), size=size)


def board_scope(*, since: str = "", until: str = "", title: str = "", size: int | None = None) -> Scope:
    """The scope of a board report; the period is that of the evidence of controls.

    Raises:
        Malformed: naming the field.
    """
    period = read_question({"from": since, "to": until}).given
    return Scope("board", checked_title(title), period=period, size=size)


def custom_scope(*, population: str, layout: bytes, size: int | None = None) -> Scope:
    """The scope of a custom report; its title stands in the layout.

    Raises:
        Malformed: naming the field, such as `layout.sections[2].columns[0]`.
    """
    if not 1 <= len(population) <= 64:
        raise Malformed("is the id of a saved population", "population")
    try:
        read = parse_layout(layout)
    except Malformed as error:
        raise Malformed(error.reason, f"layout.{error.where}" if error.where else "layout") from None
    return Scope("custom", population=population, layout=read, size=size)


def checked_title(title: str) -> str:
    """A title of somebody's own; "" for none.

    Raises:
        Malformed: naming it.
    """
    title = title.strip()
    if len(title) > MAX_TITLE or (title and not title.isprintable()):
        raise Malformed(f"has at most {MAX_TITLE} characters on one line", "title")
    return title


def layout_of(scope: str) -> str:
    """The layout in a stored scope, or ""."""
    value = parse_json(scope.encode(), max_bytes=1 << 20)
    found = value.get("layout", "") if isinstance(value, dict) else ""
    return found if isinstance(found, str) else ""
