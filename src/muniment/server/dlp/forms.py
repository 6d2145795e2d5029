"""Forms about data protection. What they hold is judged by `muniment.dlp`."""

from __future__ import annotations

from typing import Any, Final

from django import forms

from muniment.core.errors import Malformed
from muniment.dlp.judging import ALLOW, MAX_REASON, NEVER_ALLOWED, Policy
from muniment.dlp.patterns import PREFIX
from muniment.server.dlp.services.policies import policy_from
from muniment.server.dlp.services.verdicts import MOST_REASON

TITLES: Final = {
    "pan": "Payment card numbers",
    "pesel": "PESEL numbers",
    "iban": "Bank account numbers (IBAN)",
    "passport": "Passport numbers",
    "pictures": "Pictures that no OCR engine read",
    "unscannable": "Files that cannot be read to their end",
    "hostile": "Files built to be misread: bombs, two files in one",
}
_WORDS: Final = {"block": "Block: keep nothing", "quarantine": "Quarantine: keep, give out to nobody", "allow": "Allow"}
_STRICT: Final = ("block", "quarantine")


class PolicyForm(forms.Form):
    """The whole policy."""

    use_required_attribute = False

    patterns = forms.CharField(
        label="Patterns of your own",
        required=False,
        max_length=14_000,
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false"}),
        help_text="One a line: a name, block or quarantine, and an expression in RE2's syntax. "
        "Example: employee-id quarantine EMP-[0-9]{6}",
    )
    number = forms.IntegerField(widget=forms.HiddenInput, min_value=0)

    def __init__(self, number: int, policy: Policy, data: Any = None) -> None:
        lines = [f"{one.name} {policy.rules[one.kind].action} {one.expression}" for one in policy.patterns]
        initial: dict[str, Any] = {"number": number, "patterns": "\n".join(lines)}
        self._kept = policy
        for name in TITLES:
            initial[name] = policy.rules[name].action
            initial[f"{name}_reason"] = policy.rules[name].reason
        super().__init__(data, initial=initial)
        for name, title in TITLES.items():
            actions = _STRICT if name in NEVER_ALLOWED else (*_STRICT, ALLOW)
            self.fields[name] = forms.ChoiceField(label=title, choices=[(one, _WORDS[one]) for one in actions])
            if ALLOW in actions:
                self.fields[f"{name}_reason"] = forms.CharField(
                    label=f"{title}: why they are allowed", required=False, max_length=MAX_REASON
                )
        self.order_fields([*(one for name in TITLES for one in (name, f"{name}_reason")), "patterns", "number"])

    def policy(self) -> Policy:
        """What was asked for; to be called once the form is valid.

        Raises:
            Malformed: naming the field.
        """
        data = self.cleaned_data
        rules = {name: {"action": data[name], "reason": data.get(f"{name}_reason", "").strip()} for name in TITLES}
        patterns = []
        for number, line in enumerate(filter(None, map(str.strip, data["patterns"].splitlines())), 1):
            parts = line.split(None, 2)
            if len(parts) != 3:
                raise Malformed(f"line {number}: a name, block or quarantine, and an expression", "patterns")
            name, action, expression = parts
            kept = self._kept.rules.get(PREFIX + name)
            if action not in _STRICT and not (kept is not None and kept.action == action):
                raise Malformed(f"line {number}: block or quarantine stands between name and expression", "patterns")
            reason = kept.reason if kept is not None and kept.action == action else ""
            rules[PREFIX + name] = {"action": action, "reason": reason}
            patterns.append({"name": name, "expression": expression})
        return policy_from(rules, patterns)

    def accuse(self, error: Any) -> None:
        """Say at its field what was wrong."""
        where = error.where or ""
        name = where.removeprefix("rules.").partition(".")[0]
        field = f"{name}_reason" if where.endswith(".reason") else name
        if where.startswith("patterns"):
            field = "patterns"
        self.add_error(field if field in self.fields else None, error.reason)


class ReleaseForm(forms.Form):
    """Why a file is taken out of quarantine."""

    use_required_attribute = False

    reason = forms.CharField(
        label="Reason",
        max_length=MOST_REASON,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="Kept for good. Do not repeat what was found.",
    )
    verdict = forms.CharField(max_length=30, widget=forms.HiddenInput)
