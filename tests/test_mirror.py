"""Who only listens to domain signals knows the same as the database, and of each change once."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from billing_webhooks.testing import KindeIssuer
from tests.conftest import Connect, PostBillaBear
from tests.histories import billabear_events, kinde_histories
from tests.mirror import Mirror
from tests.test_convergence import rolled_back

pytestmark = pytest.mark.django_db

thorough = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def mirror(connect: Connect) -> Mirror:
    return Mirror(connect)


@thorough
@given(history=kinde_histories, data=st.data())
def test_kinde__signals_tell_everything_in_any_order(
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
def test_billabear__signals_tell_everything(
    post_billabear: PostBillaBear, mirror: Mirror, history: list[tuple[str, dict[str, Any]]]
) -> None:
    mirror.clear()
    with rolled_back():
        for event_type, content in history:
            post_billabear(event_type, **content)
        assert mirror.faults() == []
