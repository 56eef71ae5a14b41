"""What runs by default, and what with `pytest -m slow` only."""

from collections.abc import Iterable

import pytest
from _pytest.mark import ParameterSet


def sample(cases: Iterable[object], every: int) -> list[ParameterSet]:
    """All cases as parameters; one in so many of them runs by default, and the others are slow."""
    return [pytest.param(case, marks=pytest.mark.slow if number % every else ()) for number, case in enumerate(cases)]


def slow(*case: object, id: str | None = None) -> ParameterSet:
    return pytest.param(*case, marks=pytest.mark.slow, id=id)
