"""What happens at a busy company, made up: runs of agents with a trace and causes, people at work, hosts.

The texts of the events are put together from pieces, which is several times as fast as `core.event` writes them;
who stores them has some of them read back.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from muniment.core.body import commit
from muniment.core.envelope import quote_all
from muniment.core.event import event_hash

RARE_LABEL: Final = "incident=INC-2291"
RARE_ACTOR: Final = "agent:quarterly-close"
RARE_AT: Final = 5
"""Of a hundred parts of the time, the one in which the rare names stand."""
_AT_ONCE: Final = 12
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS: Final = [high + low for high in _ALPHABET for low in _ALPHABET]
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Told(NamedTuple):
    """One event: its text, and what of it the database has in columns."""

    recorded: str
    text: str
    hashed: bytes
    id: str
    action: str
    voice: "Voice"
    outcome: str
    occurred_at: int
    number: int
    prev: bytes
    resource: tuple[str, str] | None
    tool: str | None
    trace: str | None
    span: str | None
    labels: tuple[str, ...]
    cause: str | None
    body: tuple[bytes, bytes, bytes] | None
    """Salt, body and commitment."""


@dataclass(slots=True)
class Voice:
    """A source: its actor, where it works, and how far it has numbered its events."""

    source: str
    actor: str
    kind: str
    workspace: str
    team: str
    epoch: bytes
    number: int = 0
    prev: bytes = bytes(32)


class Step(NamedTuple):
    """One thing that happens in a story; `resource` is its id and type."""

    action: str
    outcome: str = "success"
    resource: tuple[str, str] | None = None
    tool: str | None = None


@dataclass(slots=True)
class Story:
    """Things that happen one after the other; with a trace, each is caused by the one before."""

    voice: Voice
    steps: list[Step]
    labels: tuple[str, ...]
    trace: str | None = None
    cause: str | None = None


class Company:
    """120 agents, few of which do most of the work, 60 people and 20 hosts; the same each time."""

    def __init__(self) -> None:
        self._dice = random.Random("a busy half year")
        work = ("research", "support", "invoices", "triage", "deploy", "review", "intake", "billing")
        self.agents = [self._voice(f"agent:{work[at % 8]}-{at // 8:02d}", "agent") for at in range(120)]
        self.people = [self._voice(f"user:usr_{self._ulid(0)}", "user") for _ in range(60)]
        self.hosts = [self._voice(f"host:web-{at:02d}", "system") for at in range(20)]
        self.rare = self._voice(RARE_ACTOR, "agent")

    @property
    def voices(self) -> list[Voice]:
        """All of them."""
        return [*self.agents, *self.people, *self.hosts, self.rare]

    def events(self, begin: datetime, until: datetime, count: int) -> Iterator[Told]:
        """So many events between two times, in the order in which they are recorded; by night there are fewer."""
        days = (until - begin) / timedelta(days=1)
        start, day_long = (begin - _EPOCH) // timedelta(microseconds=1), 86_400_000_000
        stories = [self._story(0.0) for _ in range(_AT_ONCE)]
        for at in range(count):
            day, of_day = divmod(at / count * days, 1.0)
            recorded = start + int((day + of_day**1.7) * day_long)
            place = self._dice.randrange(_AT_ONCE)
            if not stories[place].steps:
                stories[place] = self._story(at / count)
            yield self._told(stories[place], recorded)

    def _told(self, story: Story, recorded: int) -> Told:
        dice, voice, trace = self._dice, story.voice, story.trace
        step = story.steps.pop(0)
        second, micros = divmod(recorded, 1_000_000)
        clock = (_EPOCH + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")
        # Within the second in which it is recorded.
        nanos = int(micros * 1000 * dice.random())
        number, prev, cause = voice.number, voice.prev, story.cause
        event_id = f"evt_{self._ulid(recorded // 1000)}"
        body = span = None
        parts = [f'{{"action":"{step.action}","actor":{{"id":"{voice.actor}","type":"{voice.kind}"}}']
        if trace is not None:
            salt, content = dice.randbytes(32), b'{"input":"%s"}' % dice.randbytes(90).hex().encode()
            body, span = (salt, content, commit(salt, content)), dice.randbytes(8).hex()
            parts.append(
                f',"body":{{"commit":"{body[2].hex()}","len":{len(content)},"scheme":1,"type":"application/json"}}'
            )
        if cause is not None:
            parts.append(f',"causes":["{cause}"]')
        parts.append(f',"id":"{event_id}","labels":{quote_all(story.labels)}')
        parts.append(f',"occurred_at":"{clock}.{nanos:09d}Z","outcome":"{step.outcome}"')
        if step.resource is not None:
            parts.append(f',"resource":{{"id":"{step.resource[0]}","type":"{step.resource[1]}"}}')
        parts.append(f',"source":{{"epoch":"{voice.epoch.hex()}","id":"{voice.source}","prev":"{prev.hex()}",')
        parts.append(f'"seq":{number}}}')
        if step.tool is not None:
            parts.append(f',"tool":"{step.tool}"')
        if trace is not None:
            parts.append(f',"trace":{{"id":"{trace}","span":"{span}"}}')
            story.cause = f"{voice.source}/{event_id}"
        parts.append(f',"workspace":"{voice.workspace}"}}')
        text = "".join(parts)
        hashed = event_hash(text.encode())
        voice.number, voice.prev = number + 1, hashed
        return Told(
            f"{clock}.{micros:06d}Z", text, hashed, event_id, step.action, voice, step.outcome,
            second * 1_000_000_000 + nanos, number, prev, step.resource, step.tool, trace, span, story.labels, cause,
            body,
        )  # fmt: skip

    def _story(self, part: float) -> Story:
        kind = self._dice.random()
        if kind < 0.8:
            return self._run(part)
        return self._at_work() if kind < 0.92 else self._process()

    def _run(self, part: float) -> Story:
        dice = self._dice
        rarely = int(part * 100) == RARE_AT
        voice = self.rare if rarely and dice.random() < 0.05 else self.agents[int(120 * dice.random() ** 2.5)]
        steps = [Step("agent.start")]
        for _ in range(dice.randint(1, 5)):
            model = (dice.choice(("large", "small", "code")), "model")
            steps += [Step("model.invoke", resource=model), Step("model.result", resource=model)]
            asset = (f"doc-{dice.randrange(5_000):04d}", "document")
            tool = f"tool_{int(60 * dice.random() ** 2):02d}"
            lot = dice.random()
            if lot < 0.03:
                steps.append(Step("tool.refuse", "denied", asset, tool))
                continue
            ended = "failure" if lot < 0.06 else "unknown" if lot < 0.065 else "success"
            steps += [Step("tool.call", resource=asset, tool=tool), Step("tool.result", ended, asset, tool)]
        steps.append(Step("agent.finish"))
        labels = [f"env={'prod' if dice.random() < 0.8 else 'staging'}"]
        if rarely and dice.random() < 0.004:
            labels.append(RARE_LABEL)
        labels += [f"team={voice.team}", f"ticket=TCK-{dice.randrange(30_000):05d}"]
        return Story(voice, steps, tuple(labels), dice.randbytes(16).hex())

    def _at_work(self) -> Story:
        dice = self._dice
        voice = dice.choice(self.people)
        steps = [Step("user.login", "failure" if dice.random() < 0.08 else "success")]
        for _ in range(dice.randint(1, 4)):
            path = (f"/srv/records/{dice.randrange(9_000):04d}.pdf", "file")
            steps.append(Step("file.access", "denied" if dice.random() < 0.02 else "success", path))
        if dice.random() < 0.05:
            steps.append(Step("config.change", resource=(f"setting-{dice.randrange(40)}", "setting")))
        return Story(voice, steps, (f"team={voice.team}",))

    def _process(self) -> Story:
        dice = self._dice
        unit = (f"unit-{dice.randrange(80):02d}", "process")
        ended = "failure" if dice.random() < 0.03 else "success"
        steps = [Step("process.start", resource=unit), Step("process.exit", ended, unit)]
        return Story(dice.choice(self.hosts), steps, ("env=prod",))

    def _voice(self, actor: str, kind: str) -> Voice:
        dice = self._dice
        workspace, team = f"wks-{dice.randrange(24):02d}", f"t{dice.randrange(12):02d}"
        return Voice(f"src_{self._ulid(0)}", actor, kind, workspace, team, dice.randbytes(16))

    def _ulid(self, unix_ms: int) -> str:
        bits = unix_ms << 80 | self._dice.getrandbits(80)
        return "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])
