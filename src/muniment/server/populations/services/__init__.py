"""Use cases of populations, samples and marks: the only writers of their rows."""

from muniment.server.populations.services.marks import (
    Standpoint,
    Tally,
    conclude,
    history_of,
    mark,
    standpoints,
    tallies,
)
from muniment.server.populations.services.populations import (
    Counted,
    NoSuch,
    asked_of,
    checked_places,
    count_of,
    counted,
    entries_of,
    members_of,
    population_for,
    populations,
    save_population,
)
from muniment.server.populations.services.samples import (
    draw_sample,
    record_refused_draw,
    sample_for,
    samples_of,
)

__all__ = [
    "Counted",
    "NoSuch",
    "Standpoint",
    "Tally",
    "asked_of",
    "checked_places",
    "conclude",
    "count_of",
    "counted",
    "draw_sample",
    "entries_of",
    "history_of",
    "mark",
    "members_of",
    "population_for",
    "populations",
    "record_refused_draw",
    "sample_for",
    "samples_of",
    "save_population",
    "standpoints",
    "tallies",
]
