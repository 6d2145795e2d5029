import doctest
import importlib
import pkgutil

import pytest

import muniment.core

MODULES = sorted(f"muniment.core.{found.name}" for found in pkgutil.iter_modules(muniment.core.__path__))


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_core_has_examples() -> None:
    finder = doctest.DocTestFinder()
    examples = [found for name in MODULES for found in finder.find(importlib.import_module(name)) if found.examples]
    assert len(examples) >= 20
