"""Where in a JSON text a value stands: the line for a path of keys and positions, so that an error can name it."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

from muniment.core.errors import Malformed

Path: TypeAlias = "Sequence[str | int]"

_SPACE: Final = re.compile(r"[ \t\r\n]*")
_DECODER: Final = json.JSONDecoder()


class MalformedCatalog(Malformed):
    """A catalog, crosswalk or mapping file is not what its format prescribes; `where` names file and line."""


def read_json(data: bytes, name: str, maximum: int) -> tuple[str, dict[str, Any]]:
    """Read one JSON object.

    Args:
        data: the file.
        name: what to call the file in errors.
        maximum: bytes that the file may have.

    Returns:
        The text, for `line_of`, and the object.

    Raises:
        MalformedCatalog: naming file and line.
    """
    if len(data) > maximum:
        raise MalformedCatalog(f"{len(data):,} bytes, at most {maximum:,} are read", name)
    try:
        text = data.decode("utf-8-sig")
        value = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise MalformedCatalog(f"not UTF-8 at byte {error.start}", f"{name}, line {line}") from None
    except json.JSONDecodeError as error:
        raise MalformedCatalog(
            f"not JSON: {error.msg} (column {error.colno})", f"{name}, line {error.lineno}"
        ) from None
    except RecursionError:
        raise MalformedCatalog("nested too deeply", name) from None
    except _Twice as error:
        line = _line_of_second(text, error.key)
        raise MalformedCatalog(f"the key {error.key!r} occurs twice in one object", f"{name}, line {line}") from None
    if not isinstance(value, dict):
        raise MalformedCatalog("must be one JSON object", f"{name}, line 1")
    return text, value


def place(text: str, name: str, path: Path) -> str:
    """File, line and JSON pointer of a value, as an error names it: `soc2.json, line 14 (/requirements/2/id)`."""
    pointer = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in path)
    return f"{name}, line {line_of(text, path)}" + (f" ({pointer})" if pointer else "")


def line_of(text: str, path: Path) -> int:
    """The line on which the value at a path begins, counted from 1; of the nearest value above it where it is absent.

    >>> line_of('{"a": 1,\\n "b": [\\n  true,\\n  {"c": 2}]}', ["b", 1, "c"])
    4
    """
    at = _skip(text, 0)
    for step in path:
        found = _member(text, at, step) if isinstance(step, str) else _element(text, at, step)
        if found is None:
            break
        at = found
    return text.count("\n", 0, at) + 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _member(text: str, at: int, key: str) -> int | None:
    if text[at : at + 1] != "{":
        return None
    at = _skip(text, at + 1)
    while text[at : at + 1] == '"':
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        if name == key:
            return at
        at = _next(text, at)
    return None


def _element(text: str, at: int, index: int) -> int | None:
    if text[at : at + 1] != "[":
        return None
    at = _skip(text, at + 1)
    for _ in range(index):
        if text[at : at + 1] in {"]", ""}:
            return None
        at = _next(text, at)
    return None if text[at : at + 1] in {"]", ""} else at


def _next(text: str, at: int) -> int:
    _, at = _DECODER.raw_decode(text, at)
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at : at + 1] == "," else at


def _line_of_second(text: str, key: str) -> int:
    found = [match.start() for match in re.finditer(rf"{re.escape(json.dumps(key))}\s*:", text)]
    return text.count("\n", 0, found[-1]) + 1 if found else 1


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise _Twice(key)
        made[key] = value
    return made


def _no_constant(name: str) -> None:
    raise json.JSONDecodeError(f"{name} is not a JSON value", name, 0)


class _Twice(Exception):  # noqa: N818
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key
