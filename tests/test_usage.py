"""Usage as a series and as its latest value, in whatever order it came."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from billing_webhooks.models import Customer, UsageRecord
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.conftest import PostKinde, at
from tests.fuzzing.budget import budget
from tests.test_convergence import rolled_back

pytestmark = pytest.mark.django_db

METER = "customer.meter_usage_updated"


@pytest.fixture
def read(post_kinde: PostKinde) -> Any:
    """Let a meter be read at a time."""

    def read(quantity: Any, time: str, meter: str = "requests", **data: Any) -> None:
        data = {"customer_id": "customer_1", "meter_id": meter, "quantity": quantity, **data}
        post_kinde(METER, data, occurred_at=at(time))

    return read


def ada() -> Customer:
    return Customer.objects.get(external_id="customer_1")


def quantities(meter: str = "requests") -> list[Decimal | None]:
    return [record.quantity for record in ada().usage(meter)]


def test_usage__late_records_take_their_place(read: Any) -> None:
    for quantity, time in [(3, "12:00"), (1, "10:00"), (2, "11:00")]:
        read(quantity, time)
    assert quantities() == [1, 2, 3]
    assert ada().latest_usage()["requests"].quantity == 3


def test_usage__zero_is_a_value(read: Any) -> None:
    read(7, "10:00")
    read(0, "11:00")
    assert ada().latest_usage()["requests"].quantity == 0


def test_usage__a_number_may_be_sent_as_text(read: Any) -> None:
    read("12.5", "10:00")
    assert quantities() == [Decimal("12.5")]


def test_usage__what_is_no_number_is_in_the_series_but_never_the_latest(read: Any) -> None:
    read(7, "10:00")
    read("a lot", "11:00")
    read("a lot", "11:00", meter="seats")
    assert quantities() == [7, None]
    assert {meter: record.quantity for meter, record in ada().latest_usage().items()} == {
        "requests": 7
    }


def test_usage__meters_and_customers_are_kept_apart(read: Any) -> None:
    read(1, "10:00")
    read(2, "11:00", meter="Requests")
    read(3, "12:00", customer_id="customer_2")
    found = ada().latest_usage()
    assert {meter: record.quantity for meter, record in found.items()} == {
        "requests": 1,
        "Requests": 2,
    }


def test_usage__of_an_organisation(read: Any) -> None:
    read(5, "10:00", customer_id=None, org_code="org_1")
    customer = Customer.objects.get(organization_code="org_1")
    assert [record.quantity for record in customer.usage("requests")] == [5]


def test_usage__nobody_has_measured_is_empty() -> None:
    customer = Customer.objects.create(provider="kinde")
    assert list(customer.usage("requests")) == []
    assert customer.latest_usage() == {}


def test_latest__is_one_query_for_many_customers_and_meters(
    read: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(3):
        for meter in ("requests", "seats"):
            read(number, "10:00", meter=meter, customer_id=f"customer_{number}")
            read(number + 10, "11:00", meter=meter, customer_id=f"customer_{number}")
    read(99, "12:00", customer_id=None, agreement_id="agreement_of_nobody")

    with django_assert_num_queries(1):
        latest = list(UsageRecord.objects.latest_per_meter())
    assert [record.quantity for record in latest] == [10, 10, 11, 11, 12, 12]
    customer = Customer.objects.get(external_id="customer_2")
    with django_assert_num_queries(1):
        assert len(customer.latest_usage()) == 2


def test_series__of_many_customers_is_in_order(read: Any) -> None:
    read(2, "11:00")
    read(1, "10:00", customer_id="customer_2")
    read(3, "12:00", meter="seats")
    assert [each.quantity for each in UsageRecord.objects.series("requests")] == [1, 2]
    assert [each.quantity for each in UsageRecord.objects.series()] == [1, 2, 3]


readings = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from(["requests", "seats"]),
        st.sampled_from([0, "1.5", 9, "?"]),
    ),
    min_size=1,
    max_size=6,
)


@budget(25)
@given(readings=readings, data=st.data())
def test_usage__is_the_same_in_every_order_and_however_often_it_is_sent(
    issuer: KindeIssuer, client: Client, readings: list[tuple[int, str, Any]], data: st.DataObject
) -> None:
    events = [
        kinde_event(
            METER,
            {"customer_id": "customer_1", "meter_id": meter, "quantity": quantity},
            occurred_at=at("10:00") + timedelta(minutes=minute),
            event_id=f"event_{number:032x}",
        )
        for number, (minute, meter, quantity) in enumerate(readings)
    ]
    told = []
    for history in (events, data.draw(st.permutations(events + events))):
        with rolled_back():
            for event in history:
                client.post("/webhooks/kinde", issuer.sign(event), "application/jwt")
            told.append((series(), latest()))
    assert told[0] == told[1]
    # By hand, without the database.
    expected = {
        meter: number
        for _minute, number, meter in sorted(
            (minute, number, meter)
            for number, (minute, meter, quantity) in enumerate(readings)
            if quantity != "?"
        )
    }
    assert told[0][1] == {meter: f"event:event_{n:032x}" for meter, n in expected.items()}


def series() -> list[tuple[str, Decimal | None]]:
    return [(each.identity, each.quantity) for each in UsageRecord.objects.series()]


def latest() -> dict[str, str]:
    return {meter: record.identity for meter, record in ada().latest_usage().items()}
