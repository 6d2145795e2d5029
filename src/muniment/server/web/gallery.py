"""Every component on one page: with nothing, little, much, long and right-to-left content; for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

_STATES: Final = ("recorded", "sealed", "anchored", "broken", "unheard-of")
_NAMES: Final = (
    "Ada Byron",
    "Wolfeschlegelsteinhausenbergerdorff-Montgomery-Hohenlohe-Langenburg, Maximiliane Theodora",
    "نورة بنت عبد الرحمن",
    "דוד בן־גוריון (admin)",
    "王小明",
    "O'Brien <script>alert(1)</script>",
)
_ACTIONS: Final = ("tool.call", "model.request", "approval.given", "key.rotated", "file.write", "login.failed")
_START: Final = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


class GalleryForm(forms.Form):
    """One field of each kind."""

    use_required_attribute = False

    name = forms.CharField(label="Name", help_text="As others will see it.", max_length=80)
    email = forms.EmailField(label="Work e-mail", required=False)
    role = forms.ChoiceField(label="Role", choices=[("auditor", "Auditor"), ("admin", "Administrator")])
    reason = forms.CharField(label="Reason", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    region = forms.ChoiceField(
        label="Region",
        choices=[("eu", "Europe"), ("us", "United States")],
        widget=forms.RadioSelect,
        help_text="It cannot be changed later.",
    )
    agreed = forms.BooleanField(label="Ask for a fresh code before each export", required=False)


def rows(count: int) -> list[dict[str, Any]]:
    """`count` made-up entries: seq, action, person, seal, hash and time in nanoseconds since the epoch."""
    return [
        {
            "seq": 104_200 - index,
            "action": _ACTIONS[index % len(_ACTIONS)],
            "name": _NAMES[index % len(_NAMES)],
            "person": f"usr_01JD{index:022d}",
            "seal": _STATES[index % len(_STATES)],
            "hash": f"{(index + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC834:064x}"[-64:],
            "at": int((_START - timedelta(minutes=7 * index)).timestamp()) * 1_000_000_000 + 1_234_567 * (index % 3),
        }
        for index in range(count)
    ]


def contents(count: int) -> dict[str, Any]:
    """What the gallery's template is given for `count` table rows."""
    minutes = [12, 14, 9, 22, 30, 28, 41, 17, 11, 8, 19, 25, 33, 29, 16, 12, 9, 4, 0, 0, 7, 18, 21, 24]
    hours = [f"{hour:02d}:00" for hour in range(len(minutes))]
    bound = GalleryForm({"name": "", "email": "not an address", "role": "auditor", "region": "", "agreed": "on"})
    return {
        "states": _STATES,
        "rows": rows(count),
        "count": count,
        "names": _NAMES,
        "form": GalleryForm(auto_id="plain_%s"),
        "bound": bound,
        "minutes": minutes,
        "hours": hours,
        "started": _START,
        "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "command": "muniment verify evidence.zip \\\n  --key checkpoint.pub \\\n  --at 2026-11-21T09:30:00Z",
        "option": {
            "grid": {"left": 40, "right": 8, "top": 16, "bottom": 28},
            "tooltip": {"trigger": "axis"},
            "xAxis": {"type": "category", "data": hours},
            "yAxis": {"type": "value"},
            "series": [{"type": "line", "data": minutes, "showSymbol": False, "areaStyle": {"opacity": 0.15}}],
        },
        "graph": {
            "tooltip": {},
            "series": [
                {
                    "type": "tree",
                    "data": [
                        {
                            "name": "root",
                            "children": [
                                {"name": "0–3", "children": [{"name": "0–1"}, {"name": "2–3"}]},
                                {"name": "4–7", "children": [{"name": "4–5"}, {"name": "6–7"}]},
                            ],
                        }
                    ],
                    "orient": "TB",
                    "label": {"position": "top"},
                    "symbolSize": 8,
                }
            ],
        },
    }


def gallery(request: HttpRequest) -> HttpResponse:
    """The page; `?rows=0`, `3` or more, at most 500."""
    asked = request.GET.get("rows", "3")
    count = min(500, int(asked)) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 3
    return render(request, "gallery.html", contents(count))
