"""What the operations of populations and samples take and answer."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import ConfigDict, Field

from muniment.core.sampling import MOST
from muniment.server.populations.workflow import MAX_COMMENT

MAX_SIZE = 2**53 - 1


class Filters(Schema):
    """What the entries of a population have in common; what is left out is not asked for."""

    control: Annotated[str | None, Field(max_length=1024)] = None
    since: Annotated[str | None, Field(alias="from", max_length=64, description="recorded at or after, RFC 3339")] = (
        None
    )
    until: Annotated[str | None, Field(alias="to", max_length=64, description="recorded before, RFC 3339")] = None
    action: Annotated[str | None, Field(max_length=1024, description="tool.call, or tool.* for all under it")] = None
    actor: Annotated[str | None, Field(max_length=1024)] = None
    agent: Annotated[str | None, Field(max_length=1024, description="an actor whose type is agent")] = None
    workspace: Annotated[str | None, Field(max_length=1024)] = None
    outcome: Literal["success", "failure", "denied", "unknown"] | None = None


class Asked(Filters):
    """The same in the body of a request."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewPopulation(Schema):
    """A population to be saved."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(min_length=1, max_length=120)]
    question: Asked
    size: Annotated[int | None, Field(ge=1, le=MAX_SIZE, description="of a checkpoint; the newest by default")] = None
    seed: Annotated[str | None, Field(pattern="^[0-9a-f]{64}$", description="the server's randomness by default")] = (
        None
    )


class NewSample(Schema):
    """A sample to be drawn. Rates are in hundredths of a percent."""

    model_config = ConfigDict(extra="forbid", strict=True)

    method: Literal["random", "systematic", "stratified", "attribute", "failures"]
    count: Annotated[int | None, Field(ge=1, le=MAX_SIZE, description=f"at most {MOST:,} are drawn")] = None
    stratum: Literal["actor", "action", "outcome", "workspace", "day"] | None = None
    outcomes: Annotated[list[Literal["failure", "denied", "unknown"]] | None, Field(max_length=3)] = None
    confidence: Annotated[int | None, Field(ge=5_000, le=9_990)] = None
    tolerable: Annotated[int | None, Field(ge=1, le=5_000)] = None
    expected: Annotated[int | None, Field(ge=0, le=5_000)] = None
    seed: Annotated[str | None, Field(pattern="^[0-9a-f]{64}$", description="the population's by default")] = None
    fresh: Annotated[bool, Field(description="a new seed of the server's instead of the population's")] = False


class NewMark(Schema):
    """What a reviewer says of a sampled entry."""

    model_config = ConfigDict(extra="forbid", strict=True)

    ticks: Annotated[
        list[Literal["agreed", "traced", "recomputed", "inspected", "inquired"]],
        Field(max_length=5, default_factory=list),
    ]
    exception: bool = False
    conclusion: Literal["", "satisfied", "exception", "not-applicable"] = ""
    comment: Annotated[str, Field(max_length=MAX_COMMENT)] = ""


class NewConclusion(Schema):
    """What a reviewer concludes from a whole sample."""

    model_config = ConfigDict(extra="forbid", strict=True)

    result: Literal["effective", "exceptions", "not-concluded"]
    comment: Annotated[str, Field(min_length=1, max_length=MAX_COMMENT)]


class SampleBundle(Schema):
    """What the bundle of a sample holds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    bodies: Annotated[bool | None, Field(description="disclose stored bodies; left out: if they may be seen")] = None
    marks: Annotated[
        bool, Field(description="the entries of population, draw and marks too; it then ends at the newest checkpoint")
    ] = False


class SearchedOut(Schema):
    """What was searched: places 0 to `size` - 1 of `log`; the checkpoint does not cover `left_out` more."""

    log: str
    first: int
    size: int
    root: str
    sealed_at: str
    recorded: int
    left_out: int
    mapping: str


class EvidenceOut(Schema):
    """What a control was taken to mean: entries that hold one of `controls`, or whose action is one of `actions`.

    `x` is every action under `x.` but those of `besides`. `mapping` (with its digest) and `notes` say by what.
    """

    controls: list[str]
    actions: list[str]
    besides: list[str]
    mapping: str
    notes: str
    digest: str


class WaysOut(Schema):
    """How many entries hold a control id that was asked for, and how many are annotated with it and hold none."""

    recorded: int
    annotated: int


class CountOut(Schema):
    """An exact count, with what was asked and what was searched. Without a control, `evidence` and `ways` are null."""

    question: dict[str, str]
    searched: SearchedOut
    evidence: EvidenceOut | None
    count: int
    ways: WaysOut | None


class PopulationOut(CountOut):
    """A saved population. `digest` fixes which entries it consists of; `entry` is the place of its record."""

    id: str
    name: str
    digest: str
    seed: str
    seed_from: Literal["server", "given"]
    created_by: str
    created_at: str
    entry: int


class PopulationList(Schema):
    """Saved populations, newest first."""

    populations: list[PopulationOut]


class MarkOut(Schema):
    """A mark of the entry at `seq` (null: of the whole sample); `entry` is the place of its own record."""

    id: str
    seq: int | None
    number: int
    ticks: list[str]
    exception: bool
    conclusion: str
    comment: str
    created_by: str
    created_at: str
    entry: int


class TallyOut(Schema):
    """How far a review has come; `result` is the newest conclusion, null before there is one."""

    items: int
    marked: int
    exceptions: int
    result: MarkOut | None


class SampleOut(Schema):
    """A sample. `parts`: how many each stratum or outcome gave; `seed_from`: where the seed came from."""

    id: str
    population: str
    number: int
    plan: dict[str, Any]
    parts: dict[str, int]
    seed: str
    seed_from: Literal["population", "server", "given"]
    count: int
    places: list[int]
    tally: TallyOut
    created_by: str
    created_at: str
    entry: int


class SampleList(Schema):
    """The samples of a population, in the order in which they were drawn."""

    samples: list[SampleOut]


class MarkList(Schema):
    """Every mark of an entry, oldest first."""

    marks: list[MarkOut]


class SizeOut(Schema):
    """The size that rates ask for, and the deviations allowed among as many entries."""

    size: int
    allowed: int
    basis: Literal["binomial", "hypergeometric"]
    everything: bool
