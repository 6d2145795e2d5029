"""The three families of error: malformed input, failed verification, refused operation.

>>> raise Malformed("must not be empty", "actor.id")
Traceback (most recent call last):
    ...
muniment.core.errors.Malformed: actor.id: must not be empty
"""


class MunimentError(Exception):
    """Root of every error that Muniment raises on purpose.

    Args:
        reason: what was wrong and, where it helps, what to do next.
        where: the field, line or place concerned, such as `actor.id` or `line 12`.
    """

    def __init__(self, reason: str, where: str | None = None) -> None:
        super().__init__(reason, where)
        self.reason = reason
        self.where = where

    def __str__(self) -> str:
        return self.reason if self.where is None else f"{self.where}: {self.reason}"


class Malformed(MunimentError, ValueError):  # noqa: N818
    """The input is not what its format prescribes; `where` names the field."""


class VerificationFailed(MunimentError):  # noqa: N818
    """The input is well formed, and what it claims does not hold."""


class Refused(MunimentError):  # noqa: N818
    """The request is understood and is not allowed."""
