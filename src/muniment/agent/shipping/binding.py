"""Which key and which log a source belongs to: `ledger.json` beside its epochs.

The ledger binds a source to the key that first submits for it. The same is kept here, so that two agents with different
keys on one machine do not ship each other's events, and so that a ledger cannot answer as another log unnoticed.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from muniment.agent.state import make_private, replace_file
from muniment.core.errors import Malformed

FILE: Final = "ledger.json"


@dataclass(frozen=True, slots=True)
class Binding:
    """What is known about a source.

    Attributes:
        key_id: the key that ships it, `ak_<ULID>`.
        log: origin of its log; empty until its first event has been proven.
    """

    key_id: str
    log: str = ""


def read_binding(source: Path) -> Binding | None:
    """The binding of a source's directory, or None.

    Raises:
        Malformed: if it cannot be read.
    """
    path = source / FILE
    try:
        value = json.loads(path.read_bytes())
        return Binding(str(value["key"]), str(value["log"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = f"cannot be read ({error}); it says which key and log the source belongs to"
        raise Malformed(reason, str(path)) from error


def write_binding(source: Path, binding: Binding) -> None:
    """Keep a binding, durably.

    Raises:
        OSError: if it cannot be written.
    """
    make_private(source)
    replace_file(source / FILE, json.dumps({"v": 1, "key": binding.key_id, "log": binding.log}).encode("utf-8"))
