"""Pages of a timeline: whole events, nothing twice, nothing left out, few queries."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing_webhooks.models import Customer, CustomerIdentity, CustomerLink, WebhookEvent
from billing_webhooks.models.telling import Item
from billing_webhooks.models.timeline import cursor_of, place_of
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostKinde, at
from tests.timeline.conftest import ADA

pytestmark = pytest.mark.django_db


def turned(customer: Customer, limit: int) -> list[Item]:
    """Return all items, from pages of a size."""
    page = customer.timeline(limit=limit)
    items = list(page)
    while page.next is not None:
        page = customer.timeline(page.next, limit=limit)
        assert page
        items += page
    return items


def event(customer: Customer, **values: Any) -> WebhookEvent:
    defaults = {
        "provider": "kinde",
        "body": b"{}",
        "occurred_at": at("10:00"),
        "state": "processed",
    }
    return WebhookEvent.objects.create(
        **{**defaults, "customer": customer, "received_at": at("10:00"), **values}
    )


def link(customer: Customer, created_at: Any) -> None:
    name = f"user_{get_user_model().objects.count()}"
    user = get_user_model().objects.create(username=name)
    made = CustomerLink.objects.create(customer=customer, user=user)
    CustomerLink.objects.filter(pk=made.pk).update(created_at=created_at)


@pytest.fixture
def crowd() -> Customer:
    """A customer to whom much happened at the same few moments, applied and not."""
    customer = Customer.objects.create(provider="kinde", external_id="customer_1")
    CustomerIdentity.objects.create(provider="kinde", kind="id", value="customer_1", row=customer)
    for number in range(12):
        moment = at("10:00") + timedelta(minutes=number // 4)
        event(customer, received_at=moment)
        link(customer, moment)
        event(
            None,  # type: ignore[arg-type]
            received_at=moment,
            mailbox="kinde:customer:customer_1",
            state="dead",
        )
    return customer


@pytest.mark.parametrize("limit", [1, 2, 5, 7, 36])
def test_pages__tell_everything_once_whatever_their_size(crowd: Customer, limit: int) -> None:
    whole = list(crowd.timeline(limit=1000))
    assert turned(crowd, limit) == whole
    assert len(whole) == 36
    assert [item.at for item in whole] == sorted((item.at for item in whole), reverse=True)


def test_page__is_a_sequence(ada: Customer) -> None:
    page = ada.timeline(limit=2)
    assert page
    assert page[0] in page
    assert list(page[:2]) == list(page)[:2]
    assert len(page) == len(list(page))
    assert str(page[0]) == page[0].text


def test_page__ends_at_whole_events(ada: Customer) -> None:
    page = ada.timeline(limit=2)
    assert len({item.event for item in page}) == 2
    assert len([item for item in page if item.kind == "event"]) == 2
    rest = ada.timeline(page.next, limit=2)
    assert rest[0].kind == "event"
    assert rest.next is None


def test_page__goes_on_where_the_last_ended_though_news_arrived(
    ada: Customer, post_kinde: PostKinde
) -> None:
    first = ada.timeline(limit=2)
    post_kinde("customer.payment_succeeded", ADA)
    assert {item.event for item in ada.timeline(first.next)}.isdisjoint(
        item.event for item in first
    )


def test_page__of_nobody_is_empty() -> None:
    page = Customer.objects.create(provider="kinde").timeline()
    assert not page
    assert (len(page), page.next) == (0, None)


def test_page__is_of_one_customer_of_one_account(ada: Customer) -> None:
    other = Customer.objects.create(provider="kinde_2", external_id="customer_1")
    CustomerIdentity.objects.create(provider="kinde_2", kind="id", value="customer_1", row=other)
    event(None, mailbox="kinde:customer:customer_1", state="dead")  # type: ignore[arg-type]
    assert not other.timeline()


def test_limit__below_one_is_refused(ada: Customer) -> None:
    with pytest.raises(ValueError, match="at least one"):
        ada.timeline(limit=0)


def test_customer__that_is_not_stored_has_no_timeline(ada: Customer) -> None:
    with pytest.raises(ValueError, match="stored"):
        Customer(provider="kinde").timeline()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "1.event.1",
        "1.link.x",
        "-1.link.1",
        "1.run.1",
        "1.event." + "g" * 32,
        "1" * 18 + ".link.1",
        "1.link." + "1" * 19,
        "1.link.1\n",
        "\N{ARABIC-INDIC DIGIT ONE}.link.1",
        "1.link.1' OR '1'='1",
        5,
    ],
)
def test_cursor__that_is_none_is_a_value_error(ada: Customer, cursor: Any) -> None:
    with pytest.raises(ValueError, match="no cursor"):
        ada.timeline(cursor)


@pytest.mark.parametrize("cursor", ["0.link.0", "9" * 17 + ".link." + "9" * 18])
def test_cursor__of_a_far_time_is_a_cursor(ada: Customer, cursor: str) -> None:
    assert len({item.event for item in ada.timeline(cursor)}) == (3 if cursor[0] == "9" else 0)


def test_cursor__keeps_every_microsecond(ada: Customer) -> None:
    pk = WebhookEvent.objects.first().pk  # type: ignore[union-attr]
    place = (at("10:00:05") + timedelta(microseconds=1), "event", pk)
    assert place_of(cursor_of(place)) == place


def statements(customer: Customer, limit: int) -> list[str]:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        customer.timeline(limit=limit)
    return [query["sql"] for query in captured]


def test_queries__are_as_many_for_one_event_as_for_many(
    connect: Connect, ada: Customer, post_kinde: PostKinde
) -> None:
    connect(event_processed, lambda **arguments: None, "shop.note")
    everything = {"payment_id": "p", "invoice_id": "i", "plan": {"code": "a"}, "amount": 1}
    for number in range(8):
        post_kinde("customer.payment_succeeded", {**ADA, **everything, "amount": number})
        link(ada, at("10:00"))
    few, many = statements(ada, 1), statements(ada, 1000)
    # The users of links, and usage, are asked for where there are any.
    assert len(many) - len(few) == 1
    assert len(many) <= 11


def test_queries__never_load_what_is_large(ada: Customer) -> None:
    for sql in statements(ada, 50):
        for column in ("body", "confirmation", "headers", "registers"):
            assert connection.ops.quote_name(column) not in sql


@pytest.fixture
def busy(ada: Customer) -> Customer:
    """Ada among many who have many events, beside events that are nobody's."""
    others = Customer.objects.bulk_create(Customer(provider="kinde") for _ in range(50))
    WebhookEvent.objects.bulk_create(
        WebhookEvent(
            provider="kinde",
            body=b"",
            mailbox="kinde:customer:customer_1",
            customer=[*others, None][number % 51],
            occurred_at=at("10:00"),
            received_at=at("10:00") + timedelta(seconds=number),
            state="processed",
        )
        for number in range(3000)
    )
    with connection.cursor() as cursor:
        table = "TABLE " if connection.vendor == "mysql" else ""
        cursor.execute(f"ANALYZE {table}{WebhookEvent._meta.db_table}")
        if connection.vendor == "mysql":
            cursor.fetchall()
    return ada


def plans(customer: Customer, before: str | None) -> list[str]:
    """Return how the database goes about each search for events of a page."""
    name = connection.ops.quote_name(WebhookEvent._meta.db_table)
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN"
    with CaptureQueriesContext(connection) as captured:
        customer.timeline(before)
    found = []
    for query in captured.captured_queries:
        if f"FROM {name}" in query["sql"]:
            with connection.cursor() as cursor:
                cursor.execute(f"{explain} {query['sql']}")
                found.append(str(cursor.fetchall()))
    return found


# To MySQL an ANALYZE is the end of the transaction: nothing would be taken back after the test.
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_first", [True, False], ids=["first page", "later page"])
def test_queries__find_the_events_by_the_indexes_made_for_it(
    busy: Customer, is_first: bool
) -> None:
    before = None if is_first else busy.timeline(limit=1).next
    applied, unapplied = plans(busy, before)
    assert "billing_event_of_customer" in applied
    assert "billing_event_un" in unapplied or "billing_event_pending" in unapplied
