"""One measured figure, with its target beside it."""

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the results.

    Attributes:
        name: what was measured.
        value: the figure.
        unit: of the figure and of the target; `ratio` for a quotient of two figures of the same run.
        target: what the design asks for; None where a figure is only reported.
        better: whether a higher or a lower figure is better.
        gate: True for ratios within this run, which decide the exit code; absolute figures depend on the machine.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    better: Literal["higher", "lower"] = "higher"
    gate: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        return self.value >= self.target if self.better == "higher" else self.value <= self.target

    def as_json(self) -> dict[str, object]:
        """The row as it stands in results.json."""
        return {**asdict(self), "met": self.met}
