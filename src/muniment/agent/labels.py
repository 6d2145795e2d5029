"""The labels of an event: `key=value`, where the key is the developer's choice and the value may be any text."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from muniment.agent.remembering import exact, remember
from muniment.core.envelope import quote_all
from muniment.core.errors import Malformed
from muniment.core.escaping import fit_label
from muniment.core.identifiers import MAX_LABELS

Labels: TypeAlias = Mapping[str, object] | Iterable[str]

MAX_OWN_LABELS: Final = MAX_LABELS - 1
"""Labels that a caller may give; one is kept for `text.escaped`."""

_MAX_REMEMBERED: Final = 256
_LABELS: Final = ',"labels":'
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_.-]{0,62}").fullmatch
_TEXTS: dict[tuple[tuple[tuple[str, object], ...], tuple[str, ...]], str] = {}


def written_labels(labels: Labels, escaped: tuple[str, ...]) -> str:
    """A caller's labels, as the `labels` of a `Draft`.

    Args:
        labels: at most 31, as a mapping or as `key=value` strings.
        escaped: arguments that had to be escaped; a label of our own names them.

    Raises:
        Malformed: naming the label.
    """
    pairs = tuple(labels.items() if isinstance(labels, Mapping) else [_split(label) for label in labels])
    try:
        text = _TEXTS.get((pairs, escaped))
    except TypeError:
        text = None
    if text is None:
        text = _labels_text(pairs, escaped)
        # Nothing but strings: `1` and `True` are equal and are written differently. And nothing of any length.
        if all(type(value) is str and len(value) <= _MAX_REMEMBERED for _, value in pairs):
            remember(_TEXTS, (pairs, escaped), text)
    return text


def labels_of(text: str) -> tuple[str, ...]:
    """The labels in the `labels` of a `Draft`, sorted."""
    return tuple(json.loads(text.removeprefix(_LABELS))) if text else ()


def labels_text(labels: Iterable[str]) -> str:
    """Labels that keep the grammar, as the `labels` of a `Draft`."""
    return f"{_LABELS}{quote_all(tuple(sorted(labels)))}"


def label_pairs(labels: Labels) -> list[str]:
    """Labels as `key=value` strings, whichever way they were given. Nothing is checked.

    >>> label_pairs({"env": "prod"})
    ['env=prod']
    """
    return [f"{key}={_written(value)}" for key, value in labels.items()] if isinstance(labels, Mapping) else [*labels]


def _written(value: object) -> str:
    return exact(value if isinstance(value, str) else str(value))


def _labels_text(pairs: tuple[tuple[object, object], ...], escaped: tuple[str, ...]) -> str:
    written = {_label(key, _written(value)) for key, value in pairs}
    if len(written) > MAX_OWN_LABELS:
        raise Malformed(f"{len(written)} labels; at most {MAX_OWN_LABELS} are possible", "labels")
    if escaped:
        written.add(f"text.escaped={','.join(escaped)}")
    return labels_text(written) if written else ""


def _label(key: object, value: str) -> str:
    if not isinstance(key, str) or _LABEL_KEY(key) is None:
        raise Malformed(f"{key!r} cannot be the key of a label; an example is env or deploy.stage", "labels")
    return f"{exact(key)}={fit_label(value)}"


def _split(label: str) -> tuple[str, str]:
    key, separator, value = label.partition("=")
    if not separator:
        raise Malformed(f"{label!r} is not of the form key=value", "labels")
    return key, value
