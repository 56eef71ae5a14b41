"""Files that were good and are not: with bytes flipped, cut out, put in or repeated, thousands of them.

Each is used, or refused with an error that a user can meet, in a child process in which nothing else may happen: no
other exception, no crash, and not more time and memory than the limits.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strangers import KINDS
from tiers import slow

from mnist_cli.storage.workers import Limits, Worker, WorkError, in_order

LIMITS = Limits(seconds=10, memory=1_000_000_000)
# Numbers that sizes and offsets are likely to go wrong with, in both orders of bytes.
_EDGES = [
    number.to_bytes(size, order)
    for size in (1, 2, 4, 8)
    for order in ("big", "little")
    for number in (0, 1, 2 ** (8 * size - 1), 2 ** (8 * size) - 1)
]


@st.composite
def mutated(draw: st.DrawFn, examples: list[bytes]) -> bytes:
    content = draw(st.sampled_from(examples))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = min(start + draw(st.sampled_from([0, 1, 2, 4, 8, 100, len(content)])), len(content))
        content = content[:start] + draw(_replacements(content, content[start:end], examples)) + content[end:]
    return content


def _replacements(content: bytes, piece: bytes, examples: list[bytes]) -> st.SearchStrategy[bytes]:
    """What may stand for a piece: its bytes flipped, or repeated; nothing; other bytes, or those of a good file."""
    flipped = st.integers(1, 255).map(lambda bits: bytes(byte ^ bits for byte in piece[:8]) + piece[8:])
    spliced = st.tuples(st.sampled_from([content, *examples]), st.integers(0, 2**20), st.integers(1, 2000)).map(
        lambda source: source[0][source[1] % (len(source[0]) + 1) :][: source[2]]
    )
    repeated = st.integers(2, 5).map(lambda times: piece[:10_000] * times)
    return st.one_of(flipped, st.just(b""), st.sampled_from(_EDGES), st.binary(max_size=20), spliced, repeated)


# One of each type, and some that are awkward.
_VALUES = [None, True, 0, -1, 10**400, 1.5, float("nan"), "", "x", "x" * 10_000, [], [[]], {}, {"x": []}, [{}, {}]]


def changed(example: bytes) -> Iterator[bytes]:
    """JSON in which a value is gone, or another one, for all of its values and all of the others above."""
    document = json.loads(example)
    for parent, key in list(_places(document)):
        value = parent.pop(key)
        yield json.dumps(document).encode()
        for other in _VALUES:
            parent.insert(key, other) if isinstance(parent, list) else parent.update({key: other})
            yield json.dumps(document).encode()
            parent.pop(key)
        parent.insert(key, value) if isinstance(parent, list) else parent.update({key: value})


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """Where the values in a document stand: what holds each, and under which key or number."""
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in entries:
        yield node, key
        yield from _places(value)


class Child:
    """Uses files of one kind, and is replaced where that kills it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._worker = Worker(KINDS[name].is_used, LIMITS)

    def use(self, content: bytes) -> bool:
        self._worker.begin(content)
        try:
            return self._worker.answer()
        except WorkError:
            self._worker.stop()
            self._worker = Worker(KINDS[self._name].is_used, LIMITS)
            raise

    def stop(self) -> None:
        self._worker.stop()


@pytest.fixture
def child(name: str) -> Iterator[Child]:
    child = Child(name)
    yield child
    child.stop()


@pytest.mark.parametrize("name", KINDS)
def test_a_good_file_is_used(name: str, child: Child):
    assert all(map(child.use, KINDS[name].examples))


@pytest.mark.parametrize("every", [25, slow(1)], ids=["sample", "all"])
@pytest.mark.parametrize("name", KINDS)
def test_a_spoilt_file_is_used_or_refused(name: str, every: int, child: Child):
    @settings(max_examples=settings().max_examples // every)
    @given(mutated(KINDS[name].examples))
    def check(content: bytes) -> None:
        child.use(content)

    check()


@pytest.mark.parametrize("every", [60, slow(1)], ids=["sample", "all"])
@pytest.mark.parametrize("name", ["config", "config with branches", "config in HDF5", "record"])
def test_json_with_other_values_is_used_or_refused(name: str, every: int):
    def fault(content: bytes) -> str:
        try:
            KINDS[name].is_used(content)
        except Exception as error:
            return repr(error)
        return ""

    for example in KINDS[name].examples:
        contents = [islice(changed(example), 0, None, every) for _ in range(2)]
        faults = zip(contents[0], in_order(fault, contents[1], LIMITS), strict=True)
        assert {content: told for content, told in faults if told != ""} == {}
