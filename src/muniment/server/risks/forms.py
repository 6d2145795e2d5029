"""Forms of the risk register. What they hold is judged by `workflow`, `matrix` and the services."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from re import split
from typing import Any, Final

from django import forms

from muniment.core.errors import MunimentError
from muniment.server.registers.texts import MAX_TEXT as MAX_REASON
from muniment.server.risks.matrix import BANDS, LEAST, MAX_LABEL, MOST, Cell, Matrix
from muniment.server.risks.workflow import LINKS, MAX_TEXT, MAX_TITLE, SCORES, TREATMENTS, Definition

_KEPT: Final = "Recorded for good. Name no persons: it cannot be erased."
_HELP: Final = {
    "inherent": "As if there were no control. Leave it open if nobody assessed it.",
    "current": "As things are today. It says how high the risk stands in lists and on the heatmap.",
    "residual": "Once the treatment is done. Leave it open if nobody assessed it.",
}
_LINKED: Final = {
    "controls": "Control ids, separated by spaces: own:AI-7 soc2:CC6.1",
    "assets": "Codes or ids of assets, separated by spaces: AST-1 ast_01K…",
    "exceptions": "Ids of exceptions, separated by spaces: exc_01K…",
    "findings": "Ids of findings, separated by spaces: fnd_01K…",
}


class Day(forms.DateField):
    """A day as everything here writes it."""

    def __init__(self, label: str, help_text: str) -> None:
        shown = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        super().__init__(label=label, help_text=help_text, input_formats=["%Y-%m-%d"], widget=shown)


class Accused(forms.Form):
    """A form whose fields can be told what was wrong with them elsewhere."""

    use_required_attribute = False

    def accuse(self, error: MunimentError) -> None:
        """Say at its field what was wrong."""
        where = (error.where or "").partition("[")[0]
        self.add_error(self.place_of(where, error.where or ""), error.reason)

    def place_of(self, field: str, where: str) -> str | None:
        """The form's field for a field of the rules; None for the whole form."""
        del where
        return field if field in self.fields else None


class RiskForm(Accused):
    """What a risk says. `reason` is asked for where one is changed."""

    title = forms.CharField(label="Title", max_length=MAX_TITLE, help_text=_KEPT)
    description = forms.CharField(
        label="Description", required=False, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )
    owner = forms.ChoiceField(label="Owner")
    treatment = forms.ChoiceField(label="Treatment", choices=list(TREATMENTS.items()), initial="mitigate")
    plan = forms.CharField(
        label="Plan",
        required=False,
        max_length=MAX_TEXT,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What is done, by when. Needed unless the risk is accepted.",
    )
    review_on = Day("Review by", "The day by which it is looked at again.")
    reason = forms.CharField(label="Reason for the change", max_length=MAX_REASON, help_text=_KEPT)
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        matrix: Matrix,
        owners: Mapping[str, str],
        before: Definition | None = None,
        number: int = 0,
        given: Mapping[str, str] | None = None,
    ) -> None:
        initial: dict[str, Any] = {"review_on": datetime.now(UTC).date() + timedelta(days=90), **(given or {})}
        if before is not None:
            initial = {
                name: getattr(before, name)
                for name in ("title", "description", "owner", "treatment", "plan", "review_on")
            }
            initial |= {name: " ".join(getattr(before, name)) for name in LINKS} | {"number": number}
            for name in SCORES:
                if (cell := getattr(before, name)) is not None and cell in matrix:
                    initial |= {f"{name}_likelihood": cell.likelihood, f"{name}_impact": cell.impact}
        super().__init__(data, initial=initial)
        left = before.owner if before is not None and before.owner not in owners else ""
        self.fields["owner"].choices = [  # type: ignore[attr-defined]
            ("", "Choose a member"),
            *([(left, f"{left}, no member any more")] if left else []),
            *owners.items(),
        ]
        for name in SCORES:
            for side, labels in (("likelihood", matrix.likelihood), ("impact", matrix.impact)):
                self.fields[f"{name}_{side}"] = forms.ChoiceField(
                    label=f"{name.title()}: {side}",
                    required=False,
                    choices=[("", "Not assessed"), *((str(at), f"{at} {label}") for at, label in enumerate(labels, 1))],
                )
        for name in LINKS:
            self.fields[name] = forms.CharField(
                label=name.title(),
                required=False,
                max_length=5_000,
                widget=forms.Textarea(attrs={"rows": 2, "class": "mono"}),
                help_text=_LINKED[name],
            )
        if before is None:
            del self.fields["reason"], self.fields["number"]

    @property
    def scores(self) -> list[tuple[str, str, Any, Any]]:
        """Each score's name, what it means, and its two fields."""
        return [(f"{one.title()} risk", _HELP[one], self[f"{one}_likelihood"], self[f"{one}_impact"]) for one in SCORES]

    @property
    def linked(self) -> list[Any]:
        """The fields of what it links."""
        return [self[name] for name in ("controls", "assets", "exceptions", "findings")]

    def clean(self) -> dict[str, Any]:
        """A score has both of its sides, or none."""
        data = super().clean() or {}
        for name in SCORES:
            sides = [data.get(f"{name}_{side}") for side in ("likelihood", "impact")]
            if any(sides) and not all(sides):
                missing = "likelihood" if not sides[0] else "impact"
                self.add_error(f"{name}_{missing}", "Choose both of them, or neither.")
        return data

    @property
    def given(self) -> dict[str, Any]:
        """What was filled in, by the names of `Definition`."""
        data = self.cleaned_data
        found = {name: data[name] for name in ("title", "description", "owner", "treatment", "plan", "review_on")}
        for name in SCORES:
            one, two = data[f"{name}_likelihood"], data[f"{name}_impact"]
            found[name] = Cell(int(one), int(two)) if one and two else None
        return found | {name: tuple(one for one in split(r"[\s,;]+", data[name]) if one) for name in LINKS}

    def place_of(self, field: str, where: str) -> str | None:
        """A score is shown as two fields; the first takes what is wrong with both."""
        return f"{field}_likelihood" if field in SCORES else super().place_of(field, where)


class ReasonForm(Accused):
    """Why something is done to a risk."""

    reason = forms.CharField(
        label="Reason", max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2}), help_text=_KEPT
    )
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)


class ProposalForm(Accused):
    """Why a risk is to be accepted, and until when."""

    reason = forms.CharField(
        label="Why it is to be accepted",
        max_length=MAX_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_KEPT,
    )
    until = Day("Until", "The last day on which it holds.")
    zone = forms.CharField(
        label="Time zone", max_length=64, initial="UTC", help_text="Whose days count, such as Europe/Warsaw."
    )
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)


class MatrixForm(Accused):
    """A matrix of a given size: labels, and the band of each cell."""

    reason = forms.CharField(
        label="Reason for the change", max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2}), help_text=_KEPT
    )
    number = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, before: Matrix, number: int, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        initial: dict[str, Any] = {"number": number}
        for side, labels in (("likelihood", before.likelihood), ("impact", before.impact)):
            initial |= {f"{side}_{at}": label for at, label in enumerate(labels, 1)}
        for one in range(1, rows + 1):
            for two in range(1, columns + 1):
                # What is added goes on as the last row or column does.
                near = Cell(min(one, len(before.likelihood)), min(two, len(before.impact)))
                initial[f"band_{one}_{two}"] = before.band(near)
        super().__init__(data, initial=initial)
        for side, most in (("likelihood", rows), ("impact", columns)):
            for at in range(1, most + 1):
                self.fields[f"{side}_{at}"] = forms.CharField(label=f"{side.title()} {at}", max_length=MAX_LABEL)
        for one in range(1, rows + 1):
            for two in range(1, columns + 1):
                self.fields[f"band_{one}_{two}"] = forms.ChoiceField(
                    label=f"Likelihood {one}, impact {two}", choices=[(band, band.title()) for band in BANDS]
                )

    @property
    def labels(self) -> list[tuple[str, list[Any]]]:
        """The fields of the labels, by side."""
        return [
            ("Likelihood, least likely first", [self[f"likelihood_{at}"] for at in range(1, self.rows + 1)]),
            ("Impact, least first", [self[f"impact_{at}"] for at in range(1, self.columns + 1)]),
        ]

    @property
    def grid(self) -> list[tuple[Any, list[Any]]]:
        """Rows of the matrix, the likeliest at the top: its label's field, and the fields of its bands."""
        return [
            (self[f"likelihood_{one}"], [self[f"band_{one}_{two}"] for two in range(1, self.columns + 1)])
            for one in range(self.rows, 0, -1)
        ]

    @property
    def heads(self) -> list[Any]:
        """The labels' fields of the columns."""
        return [self[f"impact_{two}"] for two in range(1, self.columns + 1)]

    def matrix(self) -> Matrix:
        """What was filled in.

        Raises:
            Malformed: naming the field.
        """
        data = self.cleaned_data
        return Matrix(
            tuple(data[f"likelihood_{at}"].strip() for at in range(1, self.rows + 1)),
            tuple(data[f"impact_{at}"].strip() for at in range(1, self.columns + 1)),
            tuple(
                tuple(data[f"band_{one}_{two}"] for two in range(1, self.columns + 1))
                for one in range(1, self.rows + 1)
            ),
        )

    def place_of(self, field: str, where: str) -> str | None:
        """`likelihood[0]` is the first label's field, `bands[0][1]` that of a cell."""
        digits = [int(part.rstrip("]")) + 1 for part in where.split("[")[1:]]
        name = "_".join([field.removesuffix("s") if field == "bands" else field, *map(str, digits)])
        return name if name in self.fields else None


def sizes(given: Mapping[str, str], before: Matrix) -> tuple[int, int]:
    """The size that an address asks for, rows and columns; what it does not say stays as it is."""
    found = []
    for name, stands in (("rows", len(before.likelihood)), ("columns", len(before.impact))):
        text = given.get(name, "")
        found.append(int(text) if text in {str(one) for one in range(LEAST, MOST + 1)} else stands)
    return found[0], found[1]
