"""Reading in an order part by part: each row once, whatever is equal, missing or new."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.models import Count, F
from hypothesis import given
from hypothesis import strategies as st

from billing_webhooks.models import Customer, Subscription, WebhookEvent
from billing_webhooks.models.keyset import Keyset, NoCursor
from tests.conftest import at
from tests.fuzzing.budget import budget

pytestmark = pytest.mark.django_db

MODERATE = budget(60)
TIMES = [None, at("08:00"), at("08:00") + timedelta(microseconds=1), at("09:00")]
ORDERS: list[tuple[Any, ...]] = [
    ("-pk",),
    ("pk",),
    ("current_period_end", "id"),
    ("-current_period_end",),
    ("status", "-current_period_end", "started_at"),
    ("-started_at", "current_period_end", "-status"),
    (F("current_period_end").desc(nulls_last=True), F("status")),
    ("customer__email", "-customer"),
    ("external_id", "provider"),
]
rows = st.lists(
    st.tuples(
        st.sampled_from(TIMES), st.sampled_from(TIMES), st.sampled_from(["active", "paused", ""])
    ),
    max_size=12,
)


def add(some: list[tuple[Any, Any, str]], name: str) -> set[int]:
    customer = Customer.objects.create(provider="kinde", email=f"{name}\x7fé\U0001f600")
    made = Subscription.objects.bulk_create(
        Subscription(
            provider="kinde",
            external_id=f"{name}{number}",
            customer=customer if number % 2 else None,
            current_period_end=end,
            started_at=start,
            status=status,
        )
        for number, (end, start, status) in enumerate(some)
    )
    return {each.pk for each in made}


def walk(keyset: Keyset, size: int, new: list[tuple[Any, Any, str]]) -> list[int]:
    """Return the keys in order, by cursors, while others are added after each part."""
    found: list[int] = []
    place = None
    while part := keyset.read(Subscription.objects.select_related("customer"), size, place):
        found += [row.pk for row in part]
        place = keyset.place(keyset.cursor(part[-1]))
        add(new[:1], f"new{len(found)}_")
        new = new[1:]
    return found


@pytest.mark.parametrize("order", ORDERS, ids=str)
@pytest.mark.parametrize("backwards", [False, True], ids=["on", "back"])
@MODERATE
@given(some=rows, new=rows, size=st.integers(1, 5))
def test_read__each_row_once(
    order: tuple[Any, ...], backwards: bool, some: Any, new: Any, size: int
) -> None:
    keyset = Keyset(Subscription, order)
    keyset = keyset.reversed() if backwards else keyset
    with transaction.atomic():
        old = add(some, "old")
        found = walk(keyset, size, new)
        in_order = list(
            Subscription.objects.order_by(*keyset.order_by()).values_list("pk", flat=True)
        )
        transaction.set_rollback(True)

    assert len(found) == len(set(found))
    assert old <= set(found)
    assert found == [key for key in in_order if key in set(found)]


def test_read__what_is_missing_comes_last_on_every_database() -> None:
    add([(None, None, ""), (at("08:00"), None, ""), (at("09:00"), None, "")], "old")

    for order in ("current_period_end", "-current_period_end"):
        last = Keyset(Subscription, [order]).read(Subscription.objects.all(), 3)[-1]
        assert last.current_period_end is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "=",
        "bnVsbA",
        "W10",
        "WzEsMl0",
        "WyJ4IiwieCJd",
        "W251bGwsbnVsbF0",
        "W1siWyJ",
        "a" * 9000,
        "W" * 8000,
    ],
)
def test_place__of_what_is_no_cursor(cursor: str) -> None:
    with pytest.raises(NoCursor):
        Keyset(WebhookEvent, ["-received_at", "-id"]).place(cursor)


@pytest.mark.parametrize(
    "values",
    [
        ("2026-03-02T08:00:00", "1"),
        ("0001-01-01T00:00:00+14:00", "1"),
        ("9999-12-31T23:00:00-14:00", "1"),
        ("2026-03-02", "1"),
        ("2026-03-02T08:00:00+00:00", "9" * 3000 + "x"),
        ("2026-03-02T08:00:00+00:00", None),
        ("2026-03-02T08:00:00+00:00\0", "1"),
        ("\ud800", "1"),
    ],
)
def test_place__of_values_that_are_none(values: tuple[Any, ...]) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(values).encode()).decode()
    with pytest.raises(NoCursor):
        Keyset(Subscription, ["current_period_end", "id"]).place(cursor)


def test_place__of_a_number_beyond_every_column() -> None:
    keyset = Keyset(Subscription, ["-pk"])
    [subscription] = Subscription.objects.filter(pk__in=add([(None, None, "")], "old"))
    subscription.pk = int("9" * 30)
    place = keyset.place(keyset.cursor(subscription))

    assert len(keyset.read(Subscription.objects.all(), 2, place)) == 1


@pytest.mark.parametrize("order", ["?", "nothing", "payments", Count("pk"), "customer__nothing"])
def test_keyset__of_what_is_no_column(order: Any) -> None:
    with pytest.raises(ImproperlyConfigured):
        Keyset(Subscription, [order])


def test_keyset__ends_with_what_is_unique() -> None:
    assert Keyset(WebhookEvent, ["-received_at"]).names == ["received_at", "id"]
    assert Keyset(WebhookEvent, ["id", "received_at"]).names == ["id"]
    assert Keyset(Subscription, ["customer", "-plan"]).order_by()[-1] == "-id"
