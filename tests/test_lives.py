"""
Whole lives of customers: any order, any duplicates and any batches end in the same rows, and
who only listens to domain signals knows the same as the database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks import projection
from billing_webhooks.models import WebhookEvent
from billing_webhooks.projection import Reading
from billing_webhooks.providers import get_provider
from billing_webhooks.reading import read
from billing_webhooks.testing import KindeIssuer
from tests.conftest import Connect, PostBillaBear
from tests.fuzzing.budget import budget
from tests.histories import billabear_events, kinde_histories
from tests.mirror import Mirror
from tests.snapshots import snapshot
from tests.stories import Claims, Told, billabear_lives, kinde_lives
from tests.test_convergence import rolled_back

pytestmark = pytest.mark.django_db

# Servers are slower, and of them it is no more than that they do the same.
thorough = budget(20)


@pytest.fixture
def mirror(connect: Connect) -> Mirror:
    return Mirror(connect)


@thorough
@given(life=kinde_lives(), data=st.data())
def test_kinde__any_order_and_duplicates(
    issuer: KindeIssuer, client: Client, mirror: Mirror, life: list[Claims], data: st.DataObject
) -> None:
    repeated = data.draw(st.lists(st.sampled_from(life), max_size=3))
    shuffled = data.draw(st.permutations(life + repeated))
    ends = []
    for order in (life, shuffled):
        mirror.clear()
        with rolled_back():
            for claims in order:
                client.post("/webhooks/kinde", issuer.sign(claims), content_type="application/jwt")
            assert not WebhookEvent.objects.exclude(state="processed").exists()
            # What was told along the way adds up to the same as well.
            assert mirror.faults() == []
            ends.append(snapshot())

    assert ends[0] == ends[1]


@thorough
@given(life=kinde_lives(), data=st.data())
def test_kinde__any_batches(
    issuer: KindeIssuer,
    client: Client,
    settings: Any,
    life: list[Claims],
    data: st.DataObject,
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    with rolled_back():
        for claims in life:
            client.post("/webhooks/kinde", issuer.sign(claims), content_type="application/jwt")
        assert_same_in_any_batches("kinde", data)


@thorough
@given(life=billabear_lives(), data=st.data())
def test_billabear__any_batches_in_any_order(
    post_billabear: PostBillaBear, settings: Any, life: list[Told], data: st.DataObject
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    with rolled_back():
        for event_type, content in life:
            post_billabear(event_type, **content)
        assert_same_in_any_batches("billabear", data)


@thorough
@given(life=billabear_lives())
def test_billabear__signals_add_up(
    post_billabear: PostBillaBear, mirror: Mirror, life: list[Told]
) -> None:
    mirror.clear()
    with rolled_back():
        for event_type, content in life:
            post_billabear(event_type, **content)
        assert mirror.faults() == []


@thorough
@given(history=kinde_histories, data=st.data())
def test_kinde__signals_tell_all_of_any_history(
    issuer: KindeIssuer,
    client: Client,
    mirror: Mirror,
    history: list[dict[str, Any]],
    data: st.DataObject,
) -> None:
    mirror.clear()
    repeated = data.draw(st.lists(st.sampled_from(history), max_size=3))
    with rolled_back():
        for event in data.draw(st.permutations(history + repeated)):
            client.post("/webhooks/kinde", issuer.sign(event), content_type="application/jwt")
        assert mirror.faults() == []


@thorough
@given(history=st.lists(billabear_events, min_size=2, max_size=8))
def test_billabear__signals_tell_all_of_any_history(
    post_billabear: PostBillaBear, mirror: Mirror, history: list[tuple[str, dict[str, Any]]]
) -> None:
    mirror.clear()
    with rolled_back():
        for event_type, content in history:
            post_billabear(event_type, **content)
        assert mirror.faults() == []


def assert_same_in_any_batches(alias: str, data: st.DataObject) -> None:
    stored = WebhookEvent.objects.order_by("received_at", "pk")
    readings = [read(event, get_provider(alias)) for event in stored]
    shuffled = data.draw(st.permutations(readings))
    sizes = data.draw(st.lists(st.integers(1, 6), min_size=len(readings), max_size=len(readings)))

    assert project(alias, batches(shuffled, sizes)) == project(alias, ([one] for one in readings))


def batches(readings: Sequence[Reading], sizes: Iterable[int]) -> Iterator[Sequence[Reading]]:
    done = 0
    for size in sizes:
        if batch := readings[done : done + size]:
            yield batch
        done += size


def project(alias: str, parts: Iterable[Sequence[Reading]]) -> dict[str, list[str]]:
    with rolled_back():
        for part in parts:
            resolution = projection.prepare("default", alias, part)
            projection.apply("default", alias, part, resolution)
        return snapshot()
