"""OTLP values as what JSON can say, bounded in size, number and depth.

What is over a bound is replaced by `{"cut": <bound>, "len": <bytes>, "sha256": <hex>}`, so that whoever has the
original can still show that it is the one.
"""

from __future__ import annotations

import base64
import hashlib
import math
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"

MAX_VALUE: Final = 65_536
"""Bytes of one string or byte value that are kept."""
HEAD: Final = 4_096
"""Characters that are kept of a longer string."""
MAX_ITEMS: Final = 10_000
"""Values of one record, all of its arrays and maps together."""
MAX_DEPTH: Final = 16


class ValueReader:
    """Reads the values of one record.

    Attributes:
        cut: how many values were replaced.
        repeated: keys that stood twice in one map of attributes, with the values that came later.
    """

    def __init__(self) -> None:
        self.cut = 0
        self.repeated: list[tuple[str, Json]] = []
        self._left = MAX_ITEMS

    def attributes(self, pairs: Sequence[KeyValue]) -> dict[str, Json]:
        """Read a record's attributes. Of a key that stands twice the first value counts; the others are set aside."""
        found: dict[str, Json] = {}
        if len(pairs) > self._left:
            self.cut += 1
            pairs = pairs[: self._left]
        for pair in pairs:
            value = self.value(pair.value)
            if pair.key in found:
                self.repeated.append((pair.key, value))
            else:
                found[pair.key] = value
        return found

    def value(self, value: AnyValue, depth: int = 1) -> Json:
        """Read one value; numbers that JSON cannot say are written by name, bytes in base64."""
        self._left -= 1
        kind = value.WhichOneof("value")
        if kind == "string_value":
            return self.text(value.string_value)
        if kind == "int_value":
            return value.int_value
        if kind == "bool_value":
            return value.bool_value
        if kind == "double_value":
            number = value.double_value
            return number if math.isfinite(number) else _name(number)
        if kind == "bytes_value":
            raw = value.bytes_value
            return self._cut("size", raw) if len(raw) > MAX_VALUE else {"bytes": base64.b64encode(raw).decode("ascii")}
        if kind not in ("array_value", "kvlist_value"):
            return None
        if depth >= MAX_DEPTH:
            return self._cut("depth", value.SerializeToString(deterministic=True))
        inside = value.array_value.values if kind == "array_value" else value.kvlist_value.values
        if not self.room(len(inside)):
            return self._cut("items", value.SerializeToString(deterministic=True))
        if kind == "array_value":
            return [self.value(item, depth + 1) for item in value.array_value.values]
        read: dict[str, Json] = {}
        for pair in value.kvlist_value.values:
            inner = self.value(pair.value, depth + 1)
            if pair.key in read:
                self.repeated.append((pair.key, inner))
            else:
                read[pair.key] = inner
        return read

    def room(self, items: int) -> bool:
        """Say whether the record may have so many values more."""
        return items <= self._left

    def text(self, text: str) -> Json:
        """Read a string."""
        if len(text) <= MAX_VALUE // 4 or len(text.encode()) <= MAX_VALUE:
            return text
        cut = self._cut("size", text.encode())
        cut["head"] = text[:HEAD]
        return cut

    def _cut(self, bound: str, original: bytes) -> dict[str, Json]:
        self.cut += 1
        return {"cut": bound, "len": len(original), "sha256": hashlib.sha256(original).hexdigest()}


def _name(number: float) -> str:
    if math.isnan(number):
        return "NaN"
    return "Infinity" if number > 0 else "-Infinity"
