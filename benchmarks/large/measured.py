"""What is measured at each size: what a delivery, a worker and a person ask of the tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.urls import reverse

from benchmarks.bench import Bench
from benchmarks.clock import Preparation
from benchmarks.in_process import Endpoint
from benchmarks.large.rows import (
    BUSY,
    PROVIDER,
    PRUNED_AT_ONCE,
    RARE_TYPE,
    RETENTION,
    USUAL,
    History,
    digest,
    mailbox_of,
)
from benchmarks.posts import of
from billing_webhooks import attempts, health
from billing_webhooks.admin.overview import URL_NAME
from billing_webhooks.models import (
    Customer,
    Mailbox,
    Payment,
    ReceiverRun,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.models.keyset import Keyset
from billing_webhooks.processing import work
from billing_webhooks.pruning import prune

Work = Callable[[], object]
DEFAULT = "default"
API = "billing_webhooks_api"
# The machine itself: it is no slower with more events, but at another hour.
CONTROL = "a page without events"


class Delivering:
    """
    Genuine deliveries, each posted once, and one that is posted again and again.

    Of those that have been posted in an earlier turn none is.
    """

    def __init__(self, bench: Bench, posted: int) -> None:
        self._endpoint = Endpoint()
        self._posts = islice(of(bench.posts, PROVIDER), posted, None)
        self._repeated = next(self._posts)
        self._endpoint.expect(200, self._repeated)

    def preparations(self) -> Mapping[str, Preparation]:
        return {
            "acknowledge an event": lambda: self._endpoint.call(next(self._posts)),
            "acknowledge a repeated one": lambda: self._endpoint.call(self._repeated),
            "work an event": self._work,
        }

    def _work(self) -> Work:
        self._endpoint.expect(200, next(self._posts))
        newest = WebhookEvent.objects.filter(provider=PROVIDER, state="pending")
        mailbox = newest.order_by("-received_at").values_list("mailbox", flat=True)[0]
        return partial(work, mailbox, limit=1)


class Working:
    """How work is found, and what is done now and then."""

    def __init__(self, history: History) -> None:
        self._history = history
        last = range(history.events - 1, 0, -1)
        self._mailboxes = (mailbox_of(history.customer_of(number)) for number in last)

    def preparations(self) -> Mapping[str, Preparation]:
        return {
            "find what is due": lambda: self._due,
            "begin an attempt": lambda: partial(self._begin, next(self._mailboxes)),
            "health": lambda: health,
            f"prune {PRUNED_AT_ONCE} events": lambda: self._prune,
        }

    def _due(self) -> object:
        events = attempts.due(DEFAULT).order_by("next_attempt_at", "pk")
        return list(events.values_list("mailbox", "next_attempt_at", "pk")[:100])

    def _begin(self, mailbox: str) -> None:
        with transaction.atomic():
            attempts.begin(DEFAULT, mailbox)
            transaction.set_rollback(True)

    def _prune(self) -> object:
        return prune(older_than=RETENTION, limit=PRUNED_AT_ONCE)


class Looking:
    """What people see in the admin, and what machines ask, by one who may see everything."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._client = Client()
        self._client.force_login(_somebody())

    def preparations(self) -> Mapping[str, Preparation]:
        urls = chain(self.pages(), self.questions())
        return {name: lambda url=url: partial(self._get, url) for name, url in urls}  # type: ignore[misc]

    def pages(self) -> Iterator[tuple[str, str]]:
        """Yield the address of each page by what it shows, first one that asks no table."""
        yield CONTROL, reverse(f"{site.name}:password_change")
        middle = self._history.events // 2
        name = f"event_{digest(middle)[:32]}"
        events = partial(_list_url, WebhookEvent)
        yield "events, page one", events()
        yield "events, a page deep down", events(f"?after={self._cursor(middle)}")
        yield "events, oldest first", events("?order=oldest")
        yield "events, dead ones", events("?state__exact=dead")
        yield "events, pending ones by next attempt", events("?state__exact=pending&order=next")
        yield "events of a rare type", events(f"?event_type={RARE_TYPE}")
        yield "events of an unknown alias", events("?provider=nobody")
        yield "events by an id", events(f"?q={name}")
        yield "events by the beginning of an id", events(f"?q={name[:16]}")
        yield "an event", _url(WebhookEvent, self._history.key(middle))
        yield "customers, page one", _list_url(Customer)
        yield "customers by an id", _list_url(Customer, f"?q=kp_{digest(USUAL)[:32]}")
        yield "a customer of many events", _url(Customer, BUSY)
        yield "a customer of few events", _url(Customer, USUAL)
        yield "events of a customer of many", events(f"?customer__id__exact={BUSY}")
        for model in (Subscription, Payment, ReceiverRun, Mailbox):
            yield f"{model._meta.verbose_name_plural}, page one", _list_url(model)
        yield "the overview", reverse(f"{site.name}:{URL_NAME}")

    def questions(self) -> Iterator[tuple[str, str]]:
        """Yield addresses of the REST API, of what is measured and of a probe."""
        since = urlencode({"updated_since": self._history.received_at(self._history.events // 2)})
        for name in ("customers", "subscriptions", "payments"):
            url = reverse(f"{API}:{name}-list")
            yield f"API: {name}, page one", url
            yield f"API: {name} changed since then", f"{url}?{since}"
        yield "API: events, page one", reverse(f"{API}:events-list")
        yield "API: events, oldest first", reverse(f"{API}:events-list") + "?ordering=oldest"
        customer = [PROVIDER, f"kp_{digest(USUAL)[:32]}"]
        yield "API: a customer", reverse(f"{API}:customers-retrieve", args=customer)
        yield "API: an explanation", reverse(f"{API}:customers-explain", args=customer)
        yield "a scrape of metrics", reverse("billing_webhooks_metrics:scrape")
        yield "a probe, ready", reverse("billing_webhooks_health:ready")

    def _cursor(self, number: int) -> str:
        ordering = ("-received_at", "-id")
        row = WebhookEvent.objects.get(pk=self._history.key(number))
        return Keyset(WebhookEvent, ordering).cursor(row)

    def _get(self, url: str) -> None:
        response = self._client.get(url)
        if response.status_code != 200:
            raise RuntimeError(f"{url} was answered {response.status_code}.")


def _somebody() -> User:
    rights = {"is_staff": True, "is_superuser": True}
    return User.objects.get_or_create(username="root", defaults=rights)[0]


def _list_url(model: type[Any], query: str = "") -> str:
    return reverse(f"{site.name}:{_name(model)}_changelist") + query


def _url(model: type[Any], key: object) -> str:
    return reverse(f"{site.name}:{_name(model)}_change", args=[key])


def _name(model: type[Any]) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}"
