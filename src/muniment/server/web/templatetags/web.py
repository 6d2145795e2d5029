"""Tags and filters that the components and the pages are written with: `{% load web %}`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django import template
from django.forms import BoundField
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from muniment.server.web.assets import asset_url

register = template.Library()

SEALS = {
    "recorded": ("Recorded", "In the log. Not yet covered by a signed checkpoint."),
    "sealed": ("Sealed", "Covered by a signed checkpoint."),
    "anchored": ("Anchored", "Covered by a checkpoint that was timestamped or witnessed outside."),
    "broken": ("Broken", "A check of this record failed."),
}

_SECOND = 1_000_000_000


@register.simple_tag
def asset(path: str) -> str:
    """The address of a static file with its content's name: `{% asset 'muniment/base.css' %}`."""
    return asset_url(path)


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """An icon of the sprite, hidden from assistive technology: the text beside it names the thing."""
    return format_html('<svg class="icon {}" aria-hidden="true"><use href="#icon-{}"/></svg>', extra, name)


@register.filter
def seal_word(state: str) -> str:
    """The word of a seal's state; a state that is not known reads as not checked."""
    return SEALS.get(state, ("Not checked", ""))[0]


@register.filter
def seal_meaning(state: str) -> str:
    """What a seal's state means, in a sentence."""
    return SEALS.get(state, ("", "Nothing was checked for this record."))[1]


@register.filter
def seal_shape(state: str) -> str:
    """The name of the shape that is drawn: one of the four states, or `unknown`."""
    return state if state in SEALS else "unknown"


@register.filter
def shortened(value: Any, ends: int = 8) -> str:
    """A hash or id with its middle left out; `ends` characters stay at either side."""
    text = str(value)
    return text if len(text) <= 2 * int(ends) + 3 else f"{text[: int(ends)]}…{text[-int(ends) :]}"


@register.filter
def nanoseconds(value: Any) -> int | None:
    """Nanoseconds since the Unix epoch of an aware datetime or of an integer that already counts them; None of None.

    Raises:
        ValueError: for a datetime without a time zone.
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        whole = value.astimezone(UTC)
        delta = whole - datetime(1970, 1, 1, tzinfo=UTC)
        return (delta.days * 86_400 + delta.seconds) * _SECOND + delta.microseconds * 1_000
    return int(value)


@register.filter
def exact(value: Any) -> str:
    """A time as RFC 3339 in UTC with as many digits as are not zero, at most nine: `2026-11-21T14:03:09.000000001Z`."""
    count = nanoseconds(value)
    if count is None:
        return ""
    seconds, rest = divmod(count, _SECOND)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    return f"{text}{fraction}Z"


@register.filter
def attributes(attrs: Any) -> SafeString:
    """A component's remaining attributes as HTML, every name checked and every value escaped."""
    mapping: Mapping[str, Any] = attrs.attrs_dict() if hasattr(attrs, "attrs_dict") else attrs
    pairs = []
    for name, value in mapping.items():
        if value is False or value is None or not _is_attribute(name):
            continue
        pairs.append((" ", name, "" if value is True else value))
    return format_html_join("", '{}{}="{}"', pairs)


def _is_attribute(name: str) -> bool:
    """Whether a name can be written as an attribute that neither runs script nor carries style."""
    lowered = name.lower()
    plain = all(letter.isalnum() or letter in "-_:.@" for letter in name)
    return plain and bool(name) and not lowered.startswith("on") and lowered != "style"


@register.filter
def with_texts(field: BoundField) -> SafeString:
    """A form field's input that names its help and error texts by id and says when it is wrong."""
    texts = [f"{field.auto_id}-help"] if field.help_text else []
    texts += [f"{field.auto_id}-error"] if field.errors else []
    attrs: dict[str, str | bool] = {"aria-describedby": " ".join(texts)} if texts else {}
    if field.errors:
        attrs["aria-invalid"] = "true"
    return field.as_widget(attrs=attrs)


@register.filter
def is_check(field: BoundField) -> bool:
    """Whether a form field is one checkbox, whose label stands behind it."""
    return getattr(field.field.widget, "input_type", "") == "checkbox" and not hasattr(field.field.widget, "choices")


@register.filter
def is_choice_list(field: BoundField) -> bool:
    """Whether a form field is several radio buttons or checkboxes, which a legend names."""
    return bool(field.use_fieldset) and not is_check(field)


@register.filter
def spark_points(values: Sequence[float]) -> str:
    """Points of a polyline through `values` in a box of 100 by 30, the largest at the top and zero at the bottom."""
    numbers = [max(0.0, float(value)) for value in values]
    if not numbers:
        return ""
    top = max(numbers) or 1.0
    step = 100 / max(1, len(numbers) - 1)
    return " ".join(f"{index * step:.2f},{29 - 28 * number / top:.2f}" for index, number in enumerate(numbers))


@register.filter
def bar_boxes(values: Sequence[float]) -> list[dict[str, str]]:
    """Boxes for bars through `values` in a picture of 100 by 30: x, y, width and height as SVG numbers."""
    numbers = [max(0.0, float(value)) for value in values]
    top = max(numbers, default=0.0) or 1.0
    slot = 100 / max(1, len(numbers))
    boxes = []
    for index, number in enumerate(numbers):
        height = 30 * number / top
        place = (index * slot + slot * 0.1, 30 - height, slot * 0.8, height)
        boxes.append({name: f"{size:.2f}" for name, size in zip(("x", "y", "width", "height"), place, strict=True)})
    return boxes


@register.filter
def pair(left: Iterable[Any], right: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Two lists side by side, as long as the shorter."""
    return list(zip(left, right, strict=False))


@register.filter
def in_script(value: Any) -> SafeString:
    """A value as JSON that cannot end the script element around it."""
    text = json.dumps(value, separators=(",", ":"), default=str)
    for letter, escape in (("<", "\\u003C"), (">", "\\u003E"), ("&", "\\u0026")):
        text = text.replace(letter, escape)
    return mark_safe(text)  # noqa: S308 - the three letters with a meaning in HTML are escaped above


@register.filter
def count_up(count: Any) -> range:
    """As many turns of a loop as `count` says, at most 100."""
    return range(min(100, int(count)))
