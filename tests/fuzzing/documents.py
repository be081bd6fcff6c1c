"""JSON that is nearly what somebody expects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

# Lone surrogates and NUL included: JSON can spell them.
texts = st.text(st.characters(exclude_categories=[]), max_size=20) | st.sampled_from(
    ["", "\0", "\ud800", "RS256", "x" * 256, "2026-03-02T10:30:00Z", "9" * 30, "1e400", "-0.5"]
)
numbers = (
    st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -1, 2**63, 10**18, 10**30, 10**4000, 1e308, -1e308, 5e-324, 0.1])
)
scalars = st.none() | st.booleans() | numbers | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


def edited(genuine: Mapping[str, Any], others: st.SearchStrategy[Any] = values) -> Any:
    """
    Return a strategy for a genuine object of which a few members say something else.

    They may be missing, be any value at all, or be edited in turn.
    """

    @st.composite
    def strategy(draw: st.DrawFn) -> dict[str, Any]:
        document = dict(genuine)
        for name in draw(st.lists(st.sampled_from(sorted(document)), max_size=3, unique=True)):
            inner = document[name]
            if isinstance(inner, dict) and inner and draw(st.booleans()):
                document[name] = draw(edited(inner, others))
            elif draw(st.integers(0, 4)):
                document[name] = draw(others)
            else:
                del document[name]
        document.update(draw(st.dictionaries(texts, others, max_size=1)))
        return document

    return strategy()
