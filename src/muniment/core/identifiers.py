"""Names and their grammars (docs/format.md section 1), as pattern texts, compiled patterns and checks.

Pattern texts are written so that they can stand inside a larger expression: they have no groups that capture.
"""

import re

from muniment.core.errors import Malformed

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
EVENT_ID = f"evt_{ULID}"
SOURCE_ID = f"src_{ULID}"
EVENT_REFERENCE = f"{SOURCE_ID}/{EVENT_ID}"
HASH = "[0-9a-f]{64}"
ORIGIN = r"(?=[^\n]{1,255}\Z)[a-z0-9][a-z0-9.-]*(?:/[a-z0-9][a-z0-9._-]*)*"
BY = r"(?=[^\n]{1,128}\Z)[a-z]+:[A-Za-z0-9_.-]+"
MAPPING = "[a-z0-9][a-z0-9._-]{0,63}"
ACTION = r"(?=[^\n]{1,64}\Z)[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+"
RESOURCE_TYPE = "[a-z][a-z0-9_.-]{0,63}"
WORKSPACE = "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
CONTROL = r"(?=[^\n]{1,64}\Z)[a-z0-9]+(?:-[a-z0-9]+)*:[A-Za-z0-9][A-Za-z0-9._()/-]*"
LABEL = "[a-z][a-z0-9_.-]{0,62}=[ -~]{1,256}"
MEDIA = r"(?=[^\n]{1,127}\Z)[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*"
TEXT = "[^\x00-\x1f\x7f-\x9f\ud800-\udfff]+"
DECIMAL = "(?:0|[1-9][0-9]{0,15})"

ACTOR_TYPES = frozenset({"agent", "service", "session", "system", "user"})
OUTCOMES = frozenset({"denied", "failure", "success", "unknown"})

MAX_ACTOR_ID = 256
MAX_TOOL = 256
MAX_RESOURCE_ID = 1024
MAX_CONTROLS = 16
MAX_CAUSES = 16
MAX_LABELS = 32

is_ulid = re.compile(ULID).fullmatch
is_decimal = re.compile(DECIMAL).fullmatch
is_hash = re.compile(HASH).fullmatch
is_text = re.compile(TEXT).fullmatch


class Grammar:
    """One named grammar: whole strings either have it or do not.

    Args:
        name: what it is called in messages.
        pattern: a regular expression for the whole string, ASCII classes only.
        example: a string that has the grammar.
    """

    __slots__ = ("example", "fullmatch", "name")

    def __init__(self, name: str, pattern: str, example: str) -> None:
        self.name = name
        self.example = example
        self.fullmatch = re.compile(pattern).fullmatch

    def check(self, value: object, where: str | None = None) -> str:
        """Give `value` back if it is a string with this grammar.

        Raises:
            Malformed: naming `where`, the grammar and an example.

        >>> CONTROLS.check("iso27001-2022:A.5.32")
        'iso27001-2022:A.5.32'
        """
        if type(value) is not str or self.fullmatch(value) is None:
            raise Malformed(f"is not a valid {self.name}; an example is {self.example}", where)
        return value


EVENT_IDS = Grammar("event id", EVENT_ID, "evt_01KAY9M2Z7Q4WXYH3J8V5T6R0C")
SOURCE_IDS = Grammar("source id", SOURCE_ID, "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C")
EVENT_REFERENCES = Grammar(
    "event reference", EVENT_REFERENCE, "src_01KAY9M2Z7Q4WXYH3J8V5T6R0C/evt_01KAY9M2Z7Q4WXYH3J8V5T6R0C"
)
ORIGINS = Grammar("origin", ORIGIN, "log.example/eu1/7f3a")
SUBMITTERS = Grammar("submitter", BY, "key:ak_01KAY9M2Z7Q4WXYH3J8V5T6R0C")
MAPPINGS = Grammar("mapping version", MAPPING, "base-2026.1")
ACTIONS = Grammar("action", ACTION, "tool.call")
RESOURCE_TYPES = Grammar("resource type", RESOURCE_TYPE, "tool")
WORKSPACES = Grammar("workspace", WORKSPACE, "wks-prod-01")
CONTROLS = Grammar("control id", CONTROL, "soc2-2017:CC6.1")
LABELS = Grammar("label", LABEL, "env=prod")
MEDIA_TYPES = Grammar("media type", MEDIA, "application/json")


def check_event_id(value: object, where: str | None = None) -> str:
    """Give `value` back if it is `evt_` and a ULID; raise `Malformed` otherwise."""
    return EVENT_IDS.check(value, where)


def check_source_id(value: object, where: str | None = None) -> str:
    """Give `value` back if it is `src_` and a ULID; raise `Malformed` otherwise."""
    return SOURCE_IDS.check(value, where)


def check_origin(value: object, where: str | None = None) -> str:
    """Give `value` back if it can be the origin of a log; raise `Malformed` otherwise."""
    return ORIGINS.check(value, where)


def check_control(value: object, where: str | None = None) -> str:
    """Give `value` back if it is a control id with its framework's edition; raise `Malformed` otherwise."""
    return CONTROLS.check(value, where)


def check_label(value: object, where: str | None = None) -> str:
    """Give `value` back if it is a label `key=value`; raise `Malformed` otherwise."""
    return LABELS.check(value, where)


def check_text(value: object, maximum: int, where: str | None = None) -> str:
    """Give `value` back if it is *text* of at most `maximum` bytes of UTF-8.

    Raises:
        Malformed: if it is no string, empty, too long, or holds a control character or a lone surrogate.

    >>> check_text("agent:research", 256)
    'agent:research'
    """
    if type(value) is not str:
        raise Malformed("must be a string", where)
    if not value:
        raise Malformed("must not be empty; leave the key out where it is optional", where)
    if is_text(value) is None:
        raise Malformed("holds a control character or a lone surrogate", where)
    if len(value) > maximum or len(value.encode("utf-8")) > maximum:
        raise Malformed(f"longer than {maximum} bytes of UTF-8", where)
    return value


def new_ulid(unix_ms: int, randomness: bytes) -> str:
    """Write a ULID from a time and randomness.

    Args:
        unix_ms: milliseconds since the Unix epoch, below 2^48.
        randomness: 10 bytes.

    Returns:
        26 characters; they sort as the times do.

    Raises:
        Malformed: if an argument is out of range.

    Source: github.com/ulid/spec.

    >>> new_ulid(1469918176385, bytes(10))
    '01ARYZ6S410000000000000000'
    """
    if not 0 <= unix_ms < 2**48:
        raise Malformed("must lie between 0 and 2^48-1 milliseconds", "unix_ms")
    if len(randomness) != 10:
        raise Malformed("must be 10 bytes", "randomness")
    return ulid_of(unix_ms.to_bytes(6, "big") + randomness)


def ulid_of(value: bytes) -> str:
    """Write 16 bytes (such as those of a UUID) as a ULID.

    >>> ulid_of(bytes(16))
    '00000000000000000000000000'
    """
    if len(value) != 16:
        raise Malformed("must be 16 bytes", "value")
    number = int.from_bytes(value, "big")
    return "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))


def ulid_bytes(text: str) -> bytes:
    """Read a ULID back into its 16 bytes.

    Raises:
        Malformed: if `text` is no ULID.

    >>> ulid_bytes("00000000000000000000000001").hex()
    '00000000000000000000000000000001'
    """
    if is_ulid(text) is None:
        raise Malformed("is not a valid ULID", "ulid")
    number = 0
    for character in text:
        number = number << 5 | _ALPHABET.index(character)
    return number.to_bytes(16, "big")
