"""One hypothesis profile for the tests of core: no time limit on single examples, the same examples in every run."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "core", deadline=None, derandomize=True, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("core")
