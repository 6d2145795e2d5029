"""What a model answered, put together from one document or from a stream of events."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from muniment.agent.models.jsonvalues import Object, a_count, a_string, an_object

MAX_COLLECTED: Final = 32 * 1024 * 1024
"""Characters of a streamed answer that are put together; what exceeds that passes, and the answer says `clipped`."""


class ToolCall(NamedTuple):
    """A tool that the model asks for: its name, and the id by which the result is to be given back."""

    name: str
    id: str


@dataclass(slots=True)
class Answer:
    """What is known of an answer so far.

    Attributes:
        id: the answer's own id.
        model: the model that answered.
        tokens: `in` (those from a cache included), `out`, `cached` (of those in), `reasoning` (of those out).
        finish: why it ended, in the API's own words, once for each choice.
        tool_calls: the tools it asks for, in order.
        text: the text it says, choices and parts one after the other.
        error: the kind of error it reports.
        finished: whether it said itself that it is at its end.
        going_on: the answer says that the work is not done yet.
        clipped: it was too large to be put together whole.
        embeddings: how many vectors it holds.
    """

    id: str | None = None
    model: str | None = None
    tokens: dict[str, int] = field(default_factory=dict)
    finish: list[str] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    text: str = ""
    error: str | None = None
    finished: bool = False
    going_on: bool = False
    clipped: bool = False
    embeddings: int | None = None

    def count(self, what: str, value: object) -> None:
        """Note a number of tokens, if it is one; a later number replaces an earlier one."""
        number = a_count(value)
        if number is not None:
            self.tokens[what] = number

    def failed(self, error: object) -> None:
        """Note an error document, in either API's shape."""
        problem = an_object(error)
        code = problem.get("code")
        self.error = a_string(problem.get("type")) or a_string(code) or (str(code) if code else "unnamed")


class Reader(Protocol):
    """Reads the answers of one API."""

    def document(self, value: Object) -> Answer:
        """An answer that came as one JSON document."""

    def event(self, name: str, data: bytes) -> None:
        """One event of an answer that comes as a stream."""

    def so_far(self) -> Answer:
        """What the events seen so far come to."""

    @property
    def done(self) -> bool:
        """Whether the stream's last event was seen."""

    def assembled(self) -> Object:
        """The streamed answer as the document that the API would have given without streaming."""


class Budget:
    """Counts what is put together, and says when it is enough."""

    def __init__(self, limit: int = MAX_COLLECTED) -> None:
        self._left = limit

    @property
    def spent(self) -> bool:
        """Whether nothing more is put together."""
        return self._left < 0

    def take(self, text: str) -> bool:
        """Whether this may still be kept."""
        self._left -= len(text)
        return self._left >= 0


class StreamReader(ABC):
    """What readers of streamed answers have in common: a budget, an error, an end."""

    def __init__(self) -> None:
        self._budget = Budget()
        self._error: object = None
        self._done = False

    @abstractmethod
    def document(self, value: Object) -> Answer:
        """See `Reader`."""

    @abstractmethod
    def assembled(self) -> Object:
        """See `Reader`."""

    @property
    def done(self) -> bool:
        """Whether the stream's last event was seen."""
        return self._done

    def so_far(self) -> Answer:
        """What the events seen so far come to."""
        answer = self.document(self.assembled())
        answer.finished = self._ended()
        answer.clipped = self._budget.spent
        if self._error is not None:
            answer.failed(self._error)
        return answer

    def _ended(self) -> bool:
        return self._done
