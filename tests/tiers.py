"""What runs by default, and what with `pytest -m slow` only."""

from collections.abc import Iterable, Mapping

import pytest


def sample(cases: Mapping[str, object] | Iterable[object], every: int) -> list:
    """All cases as parameters; the first of so many runs by default, and the others are slow. Names become ids."""
    named = cases.items() if isinstance(cases, Mapping) else ((None, case) for case in cases)
    return [
        pytest.param(case, id=name, marks=pytest.mark.slow if number % every else ())
        for number, (name, case) in enumerate(named)
    ]


def slow(*case: object):
    """A case that is slow."""
    return pytest.param(*case, marks=pytest.mark.slow)
