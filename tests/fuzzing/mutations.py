"""Bytes that were something once: cut, spliced, doubled, and changed bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from hypothesis import strategies as st

Mutation: TypeAlias = Callable[[bytes], bytes]

# Bytes at which parsers of tokens and of JSON take turns.
TELLING = b'.=-_+/ \t\r\n\0\x7f\x80\xc0\xed\xff"\\{}[]:,0123456789eEAaZzu'


def at(position: float, content: bytes) -> int:
    """Return the index at a position between 0 (the first byte) and 1 (behind the last)."""
    return round(position * len(content))


positions = st.floats(0, 1, allow_nan=False)
pieces = st.binary(max_size=4) | st.sampled_from([bytes([byte]) for byte in TELLING])

insertions = st.builds(
    lambda where, piece: (
        lambda content: content[: at(where, content)] + piece + content[at(where, content) :]
    ),
    positions,
    pieces,
)
deletions = st.builds(
    lambda where, length: (
        lambda content: content[: at(where, content)] + content[at(where, content) + length :]
    ),
    positions,
    st.integers(1, 40),
)
cuts = st.builds(lambda where: lambda content: content[: at(where, content)], positions)
doublings = st.builds(
    lambda where, length: (
        lambda content: content[: at(where, content) + length] + content[at(where, content) :]
    ),
    positions,
    st.integers(1, 400),
)


@st.composite
def flips(draw: st.DrawFn) -> Mutation:
    """One bit of one byte."""
    where, bit = draw(positions), draw(st.integers(0, 7))

    def flip(content: bytes) -> bytes:
        if not content:
            return content
        index = min(at(where, content), len(content) - 1)
        return content[:index] + bytes([content[index] ^ 1 << bit]) + content[index + 1 :]

    return flip


mutations: st.SearchStrategy[Mutation] = insertions | deletions | cuts | doublings | flips()


@st.composite
def mutated(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds, or the beginning of one and the end of another, changed a few times."""
    content = draw(st.sampled_from(seeds))
    if draw(st.booleans()):
        other, where = draw(st.sampled_from(seeds)), draw(positions)
        content = content[: at(where, content)] + other[at(where, other) :]
    for mutate in draw(st.lists(mutations, max_size=4)):
        content = mutate(content)
    return content
