"""What the operations of the risk register take and answer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.server.registers.texts import MAX_TEXT as MAX_REASON
from muniment.server.risks.matrix import MAX_LABEL, MOST, Cell, Matrix
from muniment.server.risks.workflow import LINKS, MAX_ID, MAX_LINKS, MAX_TEXT, MAX_TITLE, SCORES

Treatment = Literal["accept", "mitigate", "transfer", "avoid"]
Band = Literal["low", "medium", "high", "critical"]
RiskState = Literal["open", "residual", "closed"]
_Ids = Annotated[list[Annotated[str, Field(max_length=MAX_ID)]], Field(max_length=MAX_LINKS)]
_Text = Annotated[str, Field(max_length=MAX_TEXT)]
_Why = Annotated[str, Field(max_length=MAX_REASON, description="recorded for good; name no persons")]
_Owner = Annotated[str, Field(max_length=254, description="usr_…, user:usr_… or the address of a member")]
_Number = Annotated[int | None, Field(ge=0, le=2**31 - 1, description="of the version seen; left out: any")]
_Title = Annotated[str, Field(max_length=MAX_TITLE)]


def _none() -> Any:
    return Field(default_factory=list)


class RiskCell(Schema):
    """A place on the matrix, both counted from 1."""

    model_config = ConfigDict(extra="forbid", strict=True)

    likelihood: Annotated[int, Field(ge=1, le=MOST)]
    impact: Annotated[int, Field(ge=1, le=MOST)]

    def cell(self) -> Cell:
        """It as a value."""
        return Cell(self.likelihood, self.impact)


class NewRisk(Schema):
    """A risk to be opened."""

    model_config = ConfigDict(extra="forbid")

    title: _Title
    owner: _Owner
    review_on: Annotated[date, Field(description="the day by which it is looked at again")]
    current: Annotated[RiskCell, Field(description="as things are")]
    inherent: Annotated[RiskCell | None, Field(description="without any control")] = None
    residual: Annotated[RiskCell | None, Field(description="once the treatment is done")] = None
    description: _Text = ""
    treatment: Treatment = "mitigate"
    plan: Annotated[str, Field(max_length=MAX_TEXT, description="what is done; needed unless it is accepted")] = ""
    exceptions: _Ids = _none()
    controls: _Ids = _none()
    assets: _Ids = _none()
    findings: _Ids = _none()
    reason: _Why = ""

    def given(self) -> dict[str, Any]:
        """What it says, by the names of `Definition`."""
        return _values(self, self.model_fields_set | {*LINKS})


class ChangedRisk(Schema):
    """What is to be changed of a risk; what is left out stays, and null takes a score away."""

    model_config = ConfigDict(extra="forbid")

    reason: _Why
    number: _Number = None
    title: _Title | None = None
    owner: _Owner | None = None
    review_on: date | None = None
    current: RiskCell | None = None
    inherent: RiskCell | None = None
    residual: RiskCell | None = None
    description: _Text | None = None
    treatment: Treatment | None = None
    plan: _Text | None = None
    exceptions: _Ids | None = None
    controls: _Ids | None = None
    assets: _Ids | None = None
    findings: _Ids | None = None

    def given(self) -> dict[str, Any]:
        """The new values by the names of `Definition`."""
        there = {one for one in self.model_fields_set if one in SCORES or getattr(self, one) is not None}
        return _values(self, there - {"reason", "number"})


class RiskReason(Schema):
    """Why a risk is closed or opened again."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: _Why
    number: _Number = None


class NewAcceptance(Schema):
    """A proposal to accept a risk as it stands."""

    model_config = ConfigDict(extra="forbid")

    reason: _Why
    until: Annotated[date, Field(description="the last day on which it holds")]
    zone: Annotated[str, Field(max_length=64, description="whose days count")] = "UTC"
    number: _Number = None


class AcceptanceComment(Schema):
    """What is said with a decision."""

    model_config = ConfigDict(extra="forbid", strict=True)

    comment: _Why
    digest: Annotated[str | None, Field(max_length=64, description="of the version of the risk that was shown")] = None


class AcceptanceWithdrawal(Schema):
    """Why a proposal is taken back."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: _Why = ""


class NewMatrix(Schema):
    """A matrix to be put in force."""

    model_config = ConfigDict(extra="forbid", strict=True)

    likelihood: Annotated[list[Annotated[str, Field(max_length=MAX_LABEL)]], Field(max_length=MOST)]
    impact: Annotated[list[Annotated[str, Field(max_length=MAX_LABEL)]], Field(max_length=MOST)]
    bands: Annotated[
        list[Annotated[list[Band], Field(max_length=MOST)]],
        Field(max_length=MOST, description="a row for each likelihood, by impact"),
    ]
    reason: _Why
    number: _Number = None

    def matrix(self) -> Matrix:
        """It as a value."""
        return Matrix(tuple(self.likelihood), tuple(self.impact), tuple(tuple(row) for row in self.bands))


class AcceptanceDecided(Schema):
    """What was decided on a proposal; `content` is all that it was about, `digest` the SHA-256 of that."""

    id: str
    verdict: Literal["accepted", "refused"]
    by: str
    at: str
    comment: str
    digest: str
    content: dict[str, Any]
    entry: int


class AcceptanceOut(Schema):
    """A proposal to accept a risk, and what became of it; `version` and `digest` are those of the risk."""

    id: str
    risk: str
    version: int
    digest: str
    state: str
    until: date
    zone: str
    reason: str
    proposed_by: str
    proposed_at: str
    decision: AcceptanceDecided | None
    ended_by: str | None
    ended_at: str | None
    ended_why: str | None
    entry: int


class AcceptanceList(Schema):
    """Proposals to accept a risk, newest first."""

    acceptances: list[AcceptanceOut]


class RiskOut(Schema):
    """A risk as it stands. `level` is its band on the matrix in force; `matrix` the version that it is placed on."""

    id: str
    origin: Literal["own", "exception"]
    chain: str | None
    state: RiskState
    version: int
    digest: str
    title: str
    description: str
    owner: str | None
    treatment: Treatment
    plan: str
    review_on: date
    inherent: RiskCell | None
    current: RiskCell | None
    residual: RiskCell | None
    level: Band | None
    matrix: int
    on_matrix: bool
    exceptions: list[str]
    controls: list[str]
    assets: list[str]
    findings: list[str]
    accepted_until: date | None
    opened_by: str
    opened_at: str
    changed_at: str
    entry: int


class RiskList(Schema):
    """A page of risks; `next` leads on where there are more."""

    risks: list[RiskOut]
    total: int
    next: str | None


class RiskVersionOut(Schema):
    """A version of a risk; `content` is all that it says, `digest` the SHA-256 of its canonical JSON."""

    version: int
    step: str
    cause: str | None
    by: str
    at: str
    digest: str
    content: dict[str, Any]
    entry: int


class RiskVersionList(Schema):
    """Every version of a risk, newest first."""

    versions: list[RiskVersionOut]


class RiskMatrixOut(Schema):
    """A version of the matrix; number 0 holds where none was defined."""

    number: int
    likelihood: list[str]
    impact: list[str]
    bands: list[list[Band]]
    digest: str
    reason: str | None
    created_by: str | None
    created_at: str | None
    entry: int | None


class RiskMatrixList(Schema):
    """Every matrix that the tenant defined, newest first."""

    matrices: list[RiskMatrixOut]


class HeatCell(Schema):
    """How many risks stand in one cell."""

    likelihood: int
    impact: int
    band: Band
    risks: int


class HeatmapOut(Schema):
    """How many risks stand where; `nowhere` are not placed, `other` stand on a matrix of another size."""

    score: Literal["inherent", "current", "residual"]
    matrix: int
    cells: list[HeatCell]
    levels: dict[str, int]
    nowhere: int
    other: int


class SnapshotOut(Schema):
    """How the register stood; `content` holds the counts, `register_digest` one over every risk."""

    id: str
    day: date
    daily: bool
    at: str
    by: str
    register_digest: str
    digest: str
    content: dict[str, Any]
    entry: int


class SnapshotList(Schema):
    """Snapshots, oldest first."""

    snapshots: list[SnapshotOut]


def _values(shape: Schema, names: set[str]) -> dict[str, Any]:
    found = {}
    for name in names:
        value = getattr(shape, name)
        found[name] = value.cell() if isinstance(value, RiskCell) else tuple(value) if name in LINKS else value
    return found
