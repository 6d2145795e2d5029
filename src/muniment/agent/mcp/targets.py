"""Names of tools and addresses of resources, matched against globs so that another spelling does not get past."""

import re
import unicodedata
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from muniment.agent.redaction.foldednames import folded
from muniment.core.errors import Malformed

MAX_TARGET: Final = 4_096
MAX_GLOB: Final = 512
_UNQUOTINGS: Final = 3
_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,31}:").match


class Glob:
    """A name or an address in which `*` stands for anything.

    Args:
        text: such as `git_*` or `file:///etc/*`.
        where: what to name in an error.

    Raises:
        Malformed: if it is empty or too long.

    >>> Glob("delete_*").resembles("DELETE-File"), Glob("delete_*").equals("DELETE-File")
    (True, False)
    >>> Glob("file:///etc/*").resembles("file:///srv/../%65tc/passwd")
    True
    """

    __slots__ = ("_exact", "_plain")

    def __init__(self, text: str, where: str = "glob") -> None:
        if not text or len(text) > MAX_GLOB:
            raise Malformed(f"must have 1 to {MAX_GLOB} characters", where)
        self._exact = text.split("*")
        self._plain = [_spelled(part) for part in self._exact]

    def equals(self, target: str) -> bool:
        """Whether it is the target as it is written. A target too long to be compared is not."""
        return len(target) <= MAX_TARGET and _fits(self._exact, target)

    def resembles(self, target: str) -> bool:
        """Whether it is the target, or what somebody else might read as it: in other case, with letters that look
        alike, with other separators, with parts of an address escaped or taken back by `..`. A target too long to be
        compared resembles everything."""
        if len(target) > MAX_TARGET:
            return True
        return _fits(self._exact, target) or any(_fits(self._plain, form) for form in _readings(target))


def _fits(parts: list[str], text: str) -> bool:
    if len(parts) == 1:
        return text == parts[0]
    first, last = parts[0], parts[-1]
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in parts[1:-1]:
        found = text.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


@lru_cache(maxsize=1_024)
def _readings(target: str) -> tuple[str, ...]:
    text = target.strip()
    readings = dict.fromkeys([_spelled(text)])
    for _ in range(_UNQUOTINGS):
        readings[_spelled(_resolved(text))] = None
        plain = unquote(text)
        if plain == text:
            break
        text = plain
    readings[_spelled(_resolved(text))] = None
    return tuple(readings)


def _spelled(text: str) -> str:
    """Letters and digits as a reader tells them apart, one `_` for any other character that can be seen."""
    return "".join(_letter(character) for character in unicodedata.normalize("NFKC", text))


@lru_cache(maxsize=4_096)
def _letter(character: str) -> str:
    plain = folded(character)
    if plain:
        return plain
    return "" if unicodedata.category(character) in ("Cf", "Cc", "Mn", "Me", "Cs") else "_"


def _resolved(address: str) -> str:
    """An address, or a path, without `.`, `..` and doubled slashes; a host `localhost` counts as none."""
    text = address.replace("\\", "/")
    scheme = _SCHEME(text.lower())
    start = scheme.end() if scheme else 0
    head, rest = text[:start], text[start:]
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        host = "" if host.lower() in ("localhost", "127.0.0.1") else host
        return f"{head}//{host}{slash}{_walked(path)}"
    return f"{head}{rest[: len(rest) - len(rest.lstrip('/'))][:1]}{_walked(rest)}"


def _walked(path: str) -> str:
    steps: list[str] = []
    for step in path.split("/"):
        if step == "..":
            if steps:
                steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return "/".join(steps) + ("/" if path.endswith("/") and steps else "")
