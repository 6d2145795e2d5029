"""The base mapping: which control ids are baked into an entry because of its action."""

import tomllib
from collections.abc import Callable, Iterable
from functools import cache, lru_cache
from importlib.resources import files

from muniment.catalogs import actions
from muniment.core.errors import Malformed

MAPPING_VERSION = "base-1"
MAX_CONTROLS = 16


@cache
def capabilities() -> dict[str, tuple[str, ...]]:
    """Control ids of each capability of the base mapping, for example `audit_trail`."""
    name = f"data/mapping-{MAPPING_VERSION}.toml"
    data = tomllib.loads(files("muniment.catalogs").joinpath(name).read_text(encoding="utf-8"))
    if data["version"] != MAPPING_VERSION:
        raise ValueError(f"{name} says it is version {data['version']}")
    return {name: tuple(ids) for name, ids in data["capability"].items()}


@lru_cache(maxsize=4096)
def base_controls(action: str) -> tuple[str, ...]:
    """Control ids that the base mapping gives an action, sorted by bytes.

    >>> base_controls("log.create")
    ('cfr11:11.10(a)', 'hipaa:164.312(c)(2)', 'soc2:CC6.6')

    Raises:
        Malformed: if the action is neither registered nor under `x.`.
    """
    if not actions.is_registered(action):
        raise Malformed(f"{action!r} is not a registered action; your own actions begin with x.", "action")
    return tuple(sorted({control for row in actions.find(action).evidences for control in capabilities()[row]}))


def controls_for(
    action: str, explicit: Iterable[str] = (), known: Callable[[str], bool] | None = None
) -> tuple[str, ...]:
    """The union of an event's own control ids and those of the base mapping, sorted by bytes.

    Args:
        action: a registered action, or one under `x.`.
        explicit: the event's own control ids; all of them are kept.
        known: says whether a control id names something; without it only their grammar is held, elsewhere.

    Raises:
        Malformed: if the action is not registered, a control id is not known, or the union has more than 16 ids.
    """
    base = base_controls(action)
    if not explicit:
        return base
    given = tuple(explicit)
    if known is not None:
        for at, control in enumerate(given):
            if not known(control):
                raise Malformed(f"{control} is in no catalog that is known here", f"controls[{at}]")
    union = tuple(sorted({*base, *given}))
    if len(union) > MAX_CONTROLS:
        raise Malformed(
            f"{len(union)} control ids with those of mapping {MAPPING_VERSION}; an entry holds {MAX_CONTROLS}",
            "controls",
        )
    return union
