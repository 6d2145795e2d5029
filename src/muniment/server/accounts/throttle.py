"""Failed attempts make the next one wait, in the database, so that every process counts the same.

An attempt is counted before it is judged, so that many at once count as many. Success takes it back. The delay grows
to its cap and no further, and a browser that the account has signed in with before counts under a name of its own, so
that a stranger who guesses cannot shut its owner out.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction


@dataclass(frozen=True, slots=True)
class Limit:
    """How many failures are free, and what each further one costs.

    Attributes:
        kind: what is counted, such as `login.account`.
        free: failures without a delay.
        first: seconds to wait after the first failure that is not free; doubled by each further one.
        cap: seconds, the longest delay.
    """

    kind: str
    free: int
    first: int
    cap: int


@dataclass(frozen=True, slots=True)
class Name:
    """Under which failures are counted: an account, an address, a link."""

    limit: Limit
    text: str

    @property
    def key(self) -> str:
        """64 hex digits, keyed: the table names nobody."""
        message = f"muniment/throttle/1\0{self.limit.kind}\0{self.text}".encode()
        return hmac.new(settings.SECRET_KEY.encode(), message, hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt.

    Attributes:
        names: under which it was counted.
        wait: seconds until an attempt is taken again; above 0, this one was not taken and nothing may be judged.
        locks: seconds that further attempts have to wait if this one fails; 0 for none.
    """

    names: tuple[Name, ...]
    wait: int
    locks: int

    @property
    def taken(self) -> bool:
        """Whether it may be judged."""
        return self.wait == 0

    def succeeded(self) -> None:
        """Take it back. The account's failures are forgotten; an address keeps the others it made."""
        for name in self.names:
            if name.limit.kind.endswith(".address"):
                _execute(
                    "UPDATE accounts_throttle SET failures = greatest(failures - 1, 0), until = now() WHERE key = %s",
                    [name.key],
                )
            else:
                _execute("DELETE FROM accounts_throttle WHERE key = %s", [name.key])


def begin(*names: Name) -> Attempt:
    """Count an attempt under every name, or under none if one of them still has to wait."""
    with transaction.atomic():
        locks = 0
        # In one order, so that two attempts cannot wait for each other's rows.
        for name in sorted(names, key=lambda name: name.key):
            counted = _execute(_COUNT, _parameters(name))
            if not counted:
                ((wait,),) = _execute(
                    "SELECT ceil(extract(epoch FROM until - now())) FROM accounts_throttle WHERE key = %s", [name.key]
                )
                transaction.set_rollback(True)
                return Attempt(names, max(1, int(wait)), 0)
            locks = max(locks, int(counted[0][0]))
        return Attempt(names, 0, locks)


def forget(*names: Name) -> None:
    """As if nothing had failed under these names."""
    for name in names:
        _execute("DELETE FROM accounts_throttle WHERE key = %s", [name.key])


_COUNT: Final = """
WITH counted AS (
  INSERT INTO accounts_throttle AS t (key, failures, until, touched_at) VALUES (%(key)s, 1, now(), now())
  ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN t.touched_at < now() - interval '1 day' THEN 1 ELSE t.failures + 1 END,
    until = now() + make_interval(secs => CASE
      WHEN t.touched_at < now() - interval '1 day' OR t.failures < %(free)s THEN 0
      ELSE least(%(cap)s, %(first)s * power(2, least(t.failures - %(free)s, 30))) END),
    touched_at = now()
  WHERE t.until <= now()
  RETURNING until
)
SELECT ceil(extract(epoch FROM until - now())) FROM counted
"""


def _parameters(name: Name) -> dict[str, str | int]:
    return {"key": name.key, "free": name.limit.free, "first": name.limit.first, "cap": name.limit.cap}


def _execute(statement: str, parameters: Sequence[str] | dict[str, str | int]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall() if cursor.description else []
