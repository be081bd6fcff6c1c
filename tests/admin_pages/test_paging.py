"""Pages of lists: no counting, no skipping, a few orders, and harmless whatever the URL says."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.sites import site
from django.contrib.auth.models import User
from django.db import models
from django.test import Client, RequestFactory
from django.utils import timezone

from billing_webhooks.admin import filters, paging
from billing_webhooks.admin.base import ReadOnlyAdmin
from billing_webhooks.models import (
    Customer,
    Heartbeat,
    Invoice,
    Job,
    KeptText,
    Mailbox,
    Payment,
    Plan,
    ReceiverRun,
    Refusal,
    RefusalCount,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from tests.admin_pages.conftest import every_model
from tests.admin_pages.pages import found, list_url, queries_of, text_of
from tests.conftest import at

pytestmark = pytest.mark.django_db

SESSION = re.compile(r"django_session|auth_user|SAVEPOINT|auth_permission", re.IGNORECASE)


def fill(model: type[models.Model], count: int) -> None:
    """Store rows of a model, half of them equal in all but their key."""
    now = at("08:00")
    kinde = {"provider": "kinde"}
    if model is ReceiverRun:
        fill(WebhookEvent, 1)
    event = WebhookEvent.objects.first()
    makers: dict[type[models.Model], Any] = {
        WebhookEvent: lambda n: {
            **kinde,
            "external_id": f"event_{n}",
            "received_at": now + timedelta(seconds=n % 2),
            "occurred_at": now,
            "body": b"{}",
        },
        Mailbox: lambda n: {"key": f"kinde:customer:{n}"},
        ReceiverRun: lambda n: {"event": event, "signal": "s", "receiver": f"r{n}"},
        Customer: lambda n: {**kinde, "external_id": f"customer_{n}"},
        Plan: lambda n: {**kinde, "code": f"plan_{n}"},
        Subscription: lambda n: {**kinde, "external_id": f"agreement_{n}"},
        Job: lambda n: {"action": "replay", "total": n},
        Heartbeat: lambda n: {"name": f"beat_{n}", "at": now},
        KeptText: lambda n: {"name": f"text_{n}"},
        Refusal: lambda n: {**kinde, "reason": "unknown_kid", "at": now},
        RefusalCount: lambda n: {**kinde, "reason": f"r{n}", "day": now.date(), "last_at": now},
    }
    for entry in (Payment, Invoice, UsageRecord):
        makers[entry] = lambda n: {**kinde, "identity": f"id:{n}", "occurred_at": now}
    model._default_manager.bulk_create(model(**makers[model](n)) for n in range(count))


def asked(client: Client, url: str) -> list[str]:
    """Return the queries of a page but those of the session and of who is signed in."""
    return [sql for sql in queries_of(client, url) if not SESSION.search(sql)]


@every_model
def test_list__the_same_few_queries_whatever_there_is(
    client: Client, superuser: User, model: type[models.Model]
) -> None:
    client.get(list_url(model))
    counts = set()
    for more in (0, 3, 300):
        model._default_manager.all().delete()
        fill(model, more)
        queries = asked(client, list_url(model))
        counts.add(len(queries))
        for sql in queries:
            assert "OFFSET" not in sql
            assert "COUNT(" not in sql or "LIMIT 10001" in sql
            assert {int(number) for number in re.findall(r"LIMIT (\d+)", sql)} <= {101, 10001}

    assert len(counts) == 1
    assert counts <= {1, 2}


@every_model
def test_list__every_row_on_one_page(
    client: Client, superuser: User, monkeypatch: pytest.MonkeyPatch, model: type[models.Model]
) -> None:
    monkeypatch.setattr(site.get_model_admin(model), "list_per_page", 10)
    fill(model, 25)
    keys = set(model._default_manager.values_list("pk", flat=True))
    for order in site.get_model_admin(model).get_orderings(None):  # type: ignore[attr-defined]
        if order.requires:
            continue
        on = walk(client, list_url(model, f"?order={order.name}"), "next_page")
        back = walk(client, list_url(model, on[-1][0]), "previous_page")
        forwards = [row.pk for _, rows in on for row in rows]
        backwards = [row.pk for _, rows in reversed(back) for row in rows]

        assert len(forwards) == len(keys)
        assert set(forwards) == keys
        assert backwards == forwards


def walk(client: Client, url: str, link: str) -> list[tuple[str, list[Any]]]:
    """Return the query and the rows of each page, following a link to the end."""
    base, query, pages = url.partition("?")[0], "?" + url.partition("?")[2], []
    while query:
        changelist = client.get(base + query).context["cl"]
        pages.append((query, changelist.result_list))
        query = getattr(changelist, link)
    return pages


def test_list__says_how_many_as_far_as_it_knows(client: Client, superuser: User) -> None:
    fill(Customer, 100)
    assert "100 rows\n" in text_of(client, list_url(Customer))
    fill_one = Customer.objects.create(provider="kinde", external_id="one_more")
    html = text_of(client, list_url(Customer))

    assert "100 rows shown, more follow" in html
    assert "0 of 100 selected" in html
    assert "Select the rows of all pages" in html
    assert fill_one.external_id in html
    [link] = re.findall(r'<a href="([^"]*)" rel="next">', html)
    assert "1 row shown, the last one" in text_of(
        client, list_url(Customer, link.replace("&amp;", "&"))
    )


def test_list__links_keep_filter_search_and_popup(client: Client, superuser: User) -> None:
    fill(Customer, 101)
    query = "?provider=kinde&kind__exact=unknown&q=customer_1&_popup=1"
    query += "&updated_at__gte=2020-01-01T00:00Z"
    changelist = client.get(list_url(Customer, query)).context["cl"]
    assert changelist.next_page is None
    changelist = client.get(list_url(Customer, query.replace("customer_1", ""))).context["cl"]
    following = client.get(list_url(Customer, changelist.next_page)).context["cl"]

    assert len(following.result_list) == 1
    assert following.is_popup
    assert {"provider", "kind__exact", "_popup", "updated_at__gte"} <= set(following.params)
    # Another filter begins at the first page.
    assert "after" not in following.get_query_string({"kind__exact": "person"})


def test_list__action_on_all_pages_is_about_all(client: Client, superuser: User) -> None:
    fill(Customer, 150)
    changelist = client.get(list_url(Customer)).context["cl"]
    data = {"action": "export_csv", "index": 0, "select_across": 1, "_selected_action": ["1"]}
    answer = client.post(list_url(Customer, changelist.next_page), data)

    assert answer.context["count"] == "150"


@pytest.mark.parametrize(
    "query",
    [
        "after=x",
        "before=",
        "after=%00",
        "after=WzEsMl0&before=x",
        "after=" + "a" * 9000,
        "provider=%00",
        "received_at__gte=yesterday",
        "id__exact=x",
        "nothing=1",
        "received_at__gte=0001-01-01T00:00:00%2B14:00",
        "deliveries__exact=" + "9" * 40,
    ],
)
def test_list__harmless_whatever_the_url_says(client: Client, superuser: User, query: str) -> None:
    answer = client.get(list_url(WebhookEvent, f"?{query}"), follow=True)

    assert answer.status_code == 200
    assert answer.redirect_chain in ([], [(list_url(WebhookEvent, "?e=1"), 302)])


@pytest.mark.parametrize(
    "query",
    [
        "body__contains=x",
        "last_error__startswith=x",
        "headers__exact=x",
        "external_id__regex=x",
        "external_id__icontains=x",
        "event_type__iexact=x",
        "content_digest__startswith=0",
    ],
)
def test_filter__not_by_what_is_not_shown_and_not_slowly(
    client: Client, superuser: User, query: str
) -> None:
    assert client.get(list_url(WebhookEvent, f"?{query}")).status_code == 400


def test_order__is_remembered_for_each_list(client: Client, superuser: User) -> None:
    fill(Customer, 3)
    fill(Plan, 3)
    oldest_first = found(client, Customer, "?order=oldest")

    assert found(client, Customer, "") == oldest_first
    assert found(client, Customer, "?order=nonsense") == oldest_first
    assert found(client, Plan, "")[0].code == "plan_2"
    assert found(client, Customer, "?order=newest") == oldest_first[::-1]
    assert found(client, Customer, "") == oldest_first[::-1]


def test_order__is_shown_as_chosen(client: Client, superuser: User) -> None:
    html = text_of(client, list_url(Customer, "?order=oldest"))

    assert re.findall(r'aria-current="true">([^<]*)<', html)[-1] == "oldest first"


def test_order__of_pending_events_by_next_attempt(client: Client, superuser: User) -> None:
    fill(WebhookEvent, 4)
    events = list(WebhookEvent.objects.order_by("external_id"))
    for event, minutes in zip(events, (3, 1, 2), strict=False):
        event.next_attempt_at = timezone.now() + timedelta(minutes=minutes)
    events[0].state = "dead"
    WebhookEvent.objects.bulk_update(events, ["next_attempt_at", "state"])
    html = text_of(client, list_url(WebhookEvent))
    [link] = re.findall(r'"(\?[^"]*order=next[^"]*)"', html)

    rows = found(client, WebhookEvent, link.replace("&amp;", "&"))
    assert [row.external_id for row in rows] == ["event_1", "event_2", "event_3"]
    assert len(found(client, WebhookEvent, "?order=next")) == 4


def test_order__of_columns_only_where_a_project_says_so(
    client: Client, superuser: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(Customer, 3)
    assert found(client, Customer, "?o=1") == found(client, Customer, "")
    page = site.get_model_admin(Customer)
    monkeypatch.setattr(page, "ordering", ("external_id",))
    names = [row.external_id for row in found(client, Customer, "")]
    monkeypatch.setattr(page, "sortable_by", None)
    by_column = [row.external_id for row in found(client, Customer, "?o=-7")]

    assert names == ["customer_0", "customer_1", "customer_2"]
    assert by_column == names[::-1]


def test_filter__says_how_many_are_in_the_few_states(client: Client, superuser: User) -> None:
    fill(WebhookEvent, 5)
    WebhookEvent.objects.filter(external_id="event_0").update(state="dead")
    WebhookEvent.objects.filter(external_id="event_1").update(state="processed")

    assert choices(client, "") == [
        "All",
        "pending (3)",
        "processed",
        "dead (1)",
        "quarantined (0)",
    ]
    assert choices(client, "?state__exact=dead")[1] == "pending (3)"
    assert choices(client, "?provider=kinde")[1] == "pending"
    assert choices(client, "?q=x")[1] == "pending"


def choices(client: Client, query: str) -> list[str]:
    changelist = client.get(list_url(WebhookEvent, query)).context["cl"]
    return [str(each["display"]) for each in changelist.filter_specs[0].choices(changelist)]


def test_filter__counts_no_further_than_necessary(
    client: Client, superuser: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filters, "MAX_COUNTED", 2)
    fill(WebhookEvent, 3)

    assert choices(client, "")[1] == "pending (2+)"


def test_every_page__is_such_a_list() -> None:
    pages = [
        page
        for model, page in site._registry.items()
        if model._meta.app_label == "billing_webhooks"
    ]
    assert pages
    assert all(isinstance(page, ReadOnlyAdmin) for page in pages)
    assert all(page.paginator is ReadOnlyAdmin.paginator for page in pages)


def test_autocomplete__counts_no_further_than_necessary(
    rf: RequestFactory, superuser: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paging, "MAX_COUNTED", 2)
    fill(Customer, 3)
    page, request = site.get_model_admin(Customer), rf.get("/")
    request.user = superuser
    paginator = page.get_paginator(request, page.get_queryset(request), 1)

    assert paginator.count == 2
    assert [row.external_id for row in paginator.page(1)] == ["customer_2"]
