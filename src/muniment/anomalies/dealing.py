"""Approvals that the requester may have had a hand in: patterns between the people of a decision.

The database refuses an approval by the requester and a second one by the first approver. What is looked for here is
allowed each time, and odd: two people who decide for each other alone, a delegate of the requester, rules that the
requester changed just before, a decision seconds after the request, a program that the approver set up.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Final

from muniment.anomalies.deeds import APPROVALS, RULES, SUBMISSIONS
from muniment.anomalies.finding import Finding, Place, counted, named
from muniment.anomalies.habits import WEEKS
from muniment.anomalies.happening import Happening
from muniment.anomalies.localtime import Wall, moment_of, said_day, said_time
from muniment.anomalies.memory import Memory
from muniment.anomalies.ties import Matter, Pace, Ties
from muniment.anomalies.watched import Sensitivity, Watched

DAY: Final = 86400.0
WITHIN: Final = 90 * DAY
"""How far back pairs of people are looked at."""
RULES_WITHIN: Final[dict[Sensitivity, float]] = {"low": 1 * DAY, "normal": 3 * DAY, "high": 14 * DAY}
HASTE: Final[dict[Sensitivity, float]] = {"low": 5.0, "normal": 10.0, "high": 30.0}
"""Seconds below which a decision is hasty while the pace here is not known; a learned bound is at most 6 times that."""
KNOWN_PACE: Final = 30
"""Decisions after which the tenant's pace counts."""
PAIR_TAILS: Final[dict[Sensitivity, float]] = {"low": 1e-5, "normal": 1e-4, "high": 1e-3}
PAIR_LEAST: Final = 3
"""Decisions each way."""
DECIDERS: Final = 3
"""With fewer people who approve at all, two who decide for each other have no choice."""
_MAD: Final = 1.4826
"""Makes the median absolute deviation an estimate of a normal distribution's standard deviation.

Source: P. J. Rousseeuw, C. Croux, Alternatives to the Median Absolute Deviation, JASA 88 (1993), section 1.
"""


def note(one: Happening, at: Wall, memory: Memory) -> None:
    """Take notice of what bears on later decisions: requests, rules, keys, delegations."""
    place = (at.stamp, one.seq, one.reference)
    if not one.succeeded:
        return
    if one.action in SUBMISSIONS and one.subject:
        matter = memory.part(f"matter {one.subject}", Matter)
        matter.by, matter.asked, matter.approved = one.actor, place, []
    elif one.action in RULES:
        ties = memory.part(f"ties {one.actor}", Ties)
        ties.rules = [*ties.rules[-9:], place]
    elif one.action == "key.create" and one.subject:
        memory.part(f"ties {one.actor}", Ties).keys[one.subject.removeprefix("key:")] = place
    elif one.action == "delegation.change":
        _note_delegation(one, at, memory)


def _note_delegation(one: Happening, at: Wall, memory: Memory) -> None:
    delegate, person = _subject(one.facts.get("delegate", "")), _subject(one.facts.get("person", "")) or one.actor
    if delegate in ("", "none"):
        return
    ties = memory.part(f"ties {delegate}", Ties)
    if one.facts.get("step") == "revoked":
        ties.for_whom.pop(person, None)
    else:
        # A day more on either side: whatever the zone, it holds within.
        last = _stamp(one.facts.get("last.day", ""))
        until = at.stamp + WITHIN if last is None else last + 2 * DAY
        begins = max(at.stamp, (_stamp(one.facts.get("first.day", "")) or 0.0) - DAY)
        ties.for_whom[person] = (until, begins, one.seq, one.reference)


def _subject(who: str) -> str:
    return f"user:{who}" if who.startswith("usr_") else who


def _stamp(day: str) -> float | None:
    """The first moment of a day of UTC; None for what is none."""
    try:
        first = datetime.fromisoformat(day)
    except ValueError:
        return None
    return (first.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(seconds=1)


def dealings(one: Happening, at: Wall, watched: Watched, memory: Memory) -> list[Finding]:
    """What is odd between the people of an approval.

    Args:
        one: what happened; of everything but approvals notice is taken.
        at: when, on the wall.
        watched: the tenant's settings.
        memory: what is known.
    """
    if one.action not in APPROVALS or not one.succeeded or not one.subject:
        note(one, at, memory)
        return []
    matter = memory.look(f"matter {one.subject}", Matter)
    if not matter.by or matter.asked is None:
        return []
    keen = watched.of("self-dealing")
    found = []
    if keen != "off":
        judged = (_program(one, at, matter, memory), _delegate(one, at, matter, memory))
        found = [*judged, _rules(one, matter, keen, memory), _haste(one, at, matter, keen, memory)]
    _learn(one, at, memory)
    if keen != "off":
        found.append(_each_other(one, at, matter, keen, memory))
    return [_told(one, watched, *of) for of in found if of is not None]


Odd = tuple[str, str, tuple[str, ...], list[Place], str, dict[str, int | float | str], bool]
"""Pattern, what names its window, whom it is about, entries, text, numbers, learned."""


def _told(
    one: Happening,
    watched: Watched,
    pattern: str,
    key: str,
    about: tuple[str, ...],
    places: list[Place],
    text: str,
    numbers: dict[str, int | float | str],
    learned: bool,
) -> Finding:
    entries = [*places, (0.0, one.seq, one.reference)]
    since = moment_of(min((stamp for stamp, _, _ in places), default=one.at.timestamp()))
    day = one.at.astimezone(watched.tz).toordinal()
    when = f"At {said_time(one.at, watched.tz)} on {said_day(day)} ({watched.zone})"
    people = tuple(sorted({who for who in about if who.startswith("user:")}))
    return Finding(
        "self-dealing",
        pattern,
        f"{pattern}/{key}",
        people,
        since,
        one.at,
        f"{when} {text}.",
        {"who": one.actor, "day": day, "matter": one.subject, **numbers},
        named(entries),
        learned,
    )


def _program(one: Happening, at: Wall, matter: Matter, memory: Memory) -> Odd | None:
    if not matter.by.startswith("key:") or matter.asked is None:
        return None
    made = memory.look(f"ties {one.actor}", Ties).keys.get(matter.by.removeprefix("key:"))
    if made is None:
        return None
    seconds = at.stamp - made[0]
    text = (
        "somebody approved what was asked for with an API key that they had made themselves "
        f"{_long(seconds)} before: whoever holds the key may be the approver"
    )
    return "own-program", one.subject, (one.actor,), [made, matter.asked], text, {"seconds": round(seconds)}, False


def _delegate(one: Happening, at: Wall, matter: Matter, memory: Memory) -> Odd | None:
    for_whom = memory.look(f"ties {one.actor}", Ties).for_whom
    ties = [(who, for_whom[who]) for who in (matter.by, *(who for who, *_ in matter.approved)) if who in for_whom]
    for who, (until, stamp, seq, reference) in ties:
        if stamp <= at.stamp <= until and matter.asked is not None and who != one.actor:
            of_requester = who == matter.by
            role = "the person who asked for it" if of_requester else "the person who had approved it before"
            text = f"somebody approved who stands in for {role}, by a delegation made {_long(at.stamp - stamp)} before"
            places = [(stamp, seq, reference), matter.asked]
            pattern = "requesters-delegate" if of_requester else "approvers-delegate"
            return pattern, one.subject, (one.actor, who), places, text, {"delegated_by": who}, False
    return None


def _rules(one: Happening, matter: Matter, keen: Sensitivity, memory: Memory) -> Odd | None:
    if matter.asked is None:
        return None
    begin = matter.asked[0] - RULES_WITHIN[keen]
    changed = [place for place in memory.look(f"ties {matter.by}", Ties).rules if begin <= place[0] <= matter.asked[0]]
    if not changed:
        return None
    hours = (matter.asked[0] - changed[-1][0]) / 3600
    when = f"{_long(hours * 3600)} before asking"
    text = (
        f"something was approved whose requester had changed the rules of approval {when}; an alert is raised for "
        f"changes up to {RULES_WITHIN[keen] / 3600:.0f} hours before"
    )
    return (
        "changed-rules",
        one.subject,
        (one.actor, matter.by),
        [*changed, matter.asked],
        text,
        {"hours": round(hours, 1)},
        False,
    )


def _haste(one: Happening, at: Wall, matter: Matter, keen: Sensitivity, memory: Memory) -> Odd | None:
    if matter.asked is None:
        return None
    pace, taken = memory.look("pace", Pace).seconds, at.stamp - matter.asked[0]
    bound, most = HASTE[keen], 6 * HASTE[keen]
    learned = len(pace) >= KNOWN_PACE
    text = f"something was approved {_seconds(taken)} after it was asked for"
    if learned:
        logs = [math.log(max(one, 1.0)) for one in pace]
        middle = median(logs)
        wide = _MAD * median(abs(one - middle) for one in logs)
        bound = min(most, max(1.0, math.exp(middle - 4.0 * wide)))
        half = f"half of the last {len(pace)} decisions here took more than {_long(math.exp(middle))}"
        text += f"; {half}, and an alert is raised below {_seconds(bound)}"
    else:
        known = counted(len(pace), "decision is", "decisions are")
        text += f". {known} known here; until {KNOWN_PACE} are, a fixed bound of {_seconds(bound)} holds"
    if taken >= bound:
        return None
    numbers: dict[str, int | float | str] = {
        "seconds": round(taken, 1),
        "bound": round(bound, 1),
        "observations": len(pace),
    }
    return "haste", f"{one.actor}/{at.day}", (one.actor, matter.by), [matter.asked], text, numbers, learned


def _long(seconds: float) -> str:
    for size, word in ((DAY, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {word}"
    return _seconds(seconds)


def _seconds(number: float) -> str:
    return counted(round(number), "second", "seconds")


def _learn(one: Happening, at: Wall, memory: Memory) -> None:
    matter = memory.part(f"matter {one.subject}", Matter)
    pace = memory.part("pace", Pace)
    if at.week not in pace.deciders:
        pace.deciders = {week: people for week, people in pace.deciders.items() if week >= at.week - WEEKS}
    week = pace.deciders.setdefault(at.week, {})
    if not matter.approved and matter.asked is not None:
        pace.seconds = [*pace.seconds[-199:], round(at.stamp - matter.asked[0], 1)]
        week[""] = week.get("", 0) + 1
    week[one.actor] = week.get(one.actor, 0) + 1
    matter.approved.append((one.actor, at.stamp, one.seq, one.reference))
    ties = memory.part(f"ties {matter.by}", Ties)
    ties.decided = [
        *(known for known in ties.decided if known[0] >= at.stamp - WITHIN),
        (at.stamp, one.seq, one.reference, one.actor, one.subject),
    ]


def _each_other(one: Happening, at: Wall, matter: Matter, keen: Sensitivity, memory: Memory) -> Odd | None:
    if not (one.by_person and matter.by.startswith("user:")):
        return None
    pace = memory.look("pace", Pace)
    totals = pace.totals()
    matters = totals.pop("", 0)
    theirs, ours = (_recent(memory, who, at) for who in (matter.by, one.actor))
    by_us = [known for known in theirs if known[3] == one.actor]
    by_them = [known for known in ours if known[3] == matter.by]
    if min(len(by_us), len(by_them)) < PAIR_LEAST or len(totals) < DECIDERS:
        return None
    asked_by_them, asked_by_us = (len({known[4] for known in all_}) for all_ in (theirs, ours))
    if len(by_us) < 0.8 * asked_by_them or len(by_them) < 0.8 * asked_by_us:
        return None
    others = max(1, matters - asked_by_them - asked_by_us)
    us, them = totals.get(one.actor, 0) - len(by_us), totals.get(matter.by, 0) - len(by_them)
    # Half a decision more than was seen: what was not seen is not impossible.
    chance = _at_least(len(by_us), asked_by_them, (us + 0.5) / (others + 1))
    chance *= _at_least(len(by_them), asked_by_us, (them + 0.5) / (others + 1))
    if chance > PAIR_TAILS[keen]:
        return None
    text = (
        f"the newest of two people's approvals of each other was given: in 90 days one decided {len(by_us)} of "
        f"{counted(asked_by_them, 'request', 'requests')} of the other, and {len(by_them)} of {asked_by_us} the other "
        f"way. Of {counted(others, 'request', 'requests')} of everybody else they decided {us} and {them}; "
        f"by chance this happens with a probability of {chance:.1g}"
    )
    places = [known[:3] for known in (*by_us, *by_them)]
    pair = "|".join(sorted((one.actor, matter.by)))
    numbers: dict[str, int | float | str] = {"one_way": len(by_us), "other_way": len(by_them), "chance": chance}
    return "each-other", f"{pair}/{at.day // 28}", (one.actor, matter.by), places, text, numbers, True


def _recent(memory: Memory, who: str, at: Wall) -> list[tuple[float, int, str, str, str]]:
    return [known for known in memory.look(f"ties {who}", Ties).decided if known[0] >= at.stamp - WITHIN]


def _at_least(count: int, of: int, share: float) -> float:
    """How probable `count` or more of `of` are if each comes with a probability of `share`."""
    share = min(1.0, max(0.01, share))
    return sum(math.comb(of, one) * share**one * (1 - share) ** (of - one) for one in range(count, of + 1))
