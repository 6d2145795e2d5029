"""The sample company's day: which stories happen when."""

import random
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from muniment.server.sample import hosts, stories
from muniment.server.sample.happening import Happening, Thread

DAY: Final = 24 * 3600.0
_SEED: Final = "Brightwater"
# A story takes at most some twenty minutes; the last ones begin early enough to end before now.
_LAST_START: Final = DAY - 1800
_GENERATION: Final = 412


@cache
def company() -> dict[str, Any]:
    """Who works there, on what: the contents of `company.toml`."""
    return tomllib.loads(files("muniment.server.sample").joinpath("company.toml").read_text(encoding="utf-8"))


def tell_day(people: dict[str, str]) -> list[Happening]:
    """Everything that happens, in order of time; the same each time, but for who the people are.

    Args:
        people: by their key in `company.toml`, as the ledger names them (`user:usr_…`).
    """
    dice = random.Random(_SEED)  # noqa: S311 - a story, not a secret
    told: list[Happening] = []
    brightwater = company()

    def threads(count: int, first: float = 0.0) -> list[Thread]:
        step = (_LAST_START - first) / count
        return [Thread(dice, first + step * (number + dice.random()), told) for number in range(count)]

    hosts.boot(Thread(dice, 60, told))
    for number, thread in enumerate(threads(9)):
        stories.research(thread, brightwater, brightwater["questions"][number % len(brightwater["questions"])], None)
    for number, thread in enumerate(threads(20)):
        ticket = brightwater["tickets"][number % len(brightwater["tickets"])]
        question = dice.choice(brightwater["questions"])
        stories.support(thread, brightwater, ticket, question, people["operator"])
    for thread in threads(8):
        stories.invoices(thread, brightwater)
    for number, thread in enumerate(threads(6, first=3600)):
        change = brightwater["changes"][number % len(brightwater["changes"])]
        hosts.deployment(thread, change, people["engineer"], _GENERATION + 2 * number)
    for number, thread in enumerate(threads(14)):
        host = "host-build-01" if number % 4 == 3 else "host-web-01"
        strangers = 7 if number == 5 else dice.randint(0, 2)
        hosts.session(thread, people["engineer" if number % 2 else "operator"], host=host, strangers=strangers)
    return sorted(told, key=lambda happening: happening.at)
