"""Whom the ring of keys trusts, whatever was published before."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks.providers.kinde.ring import GRACE_SECONDS, KeyRing
from billing_webhooks.testing import KindeIssuer
from tests.once import on_one_database

on_one_database()

KEYS = {f"key-{number}": KindeIssuer().key.public_key() for number in range(4)}
HOUR = 60 * 60

# What was published, and how many hours after what was published before.
histories = st.lists(
    st.tuples(st.integers(1, 100), st.sets(st.sampled_from(sorted(KEYS)), min_size=1)), min_size=1
)


def publish(kids: Sequence[str] | set[str]) -> dict[str, tuple[RSAPublicKey, ...]]:
    return {kid: (KEYS[kid],) for kid in kids}


@given(history=histories, later=st.integers(0, 100))
def test_ring__trusts_what_is_published_and_for_a_grace_what_was(
    history: Sequence[tuple[int, set[str]]], later: int
) -> None:
    ring, now = KeyRing(0.0), 0.0
    missing_since: dict[str, float] = {}
    published: set[str] = set()
    for hours, kids in history:
        now += hours * HOUR
        gone = {kid for kid, at in missing_since.items() if now - at > GRACE_SECONDS}
        missing_since = {
            kid: missing_since.get(kid, now)
            for kid in (published | missing_since.keys()) - kids - gone
        }
        published = kids
        ring = ring.renewed(publish(kids), now)
    now += later * HOUR
    expected = published | {kid for kid, at in missing_since.items() if now - at <= GRACE_SECONDS}
    assert {kid for kid in KEYS if ring.find(kid, now)} == expected


@given(history=histories)
def test_ring__is_the_same_after_it_was_kept(history: Sequence[tuple[int, set[str]]]) -> None:
    ring = KeyRing(0.0)
    for number, (_, kids) in enumerate(history):
        ring = ring.renewed(publish(kids), float(number))
    kept = KeyRing.loads(ring.dumps())
    assert kept is not None
    assert kept.dumps() == ring.dumps()
    assert [each.identity for each in kept.keys] == [each.identity for each in ring.keys]
