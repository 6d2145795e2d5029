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
    NoSuch,
    checked_places,
    count_of,
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
    "NoSuch",
    "Standpoint",
    "Tally",
    "checked_places",
    "conclude",
    "count_of",
    "draw_sample",
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
