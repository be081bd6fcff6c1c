"""What a scrape says after real requests."""

from __future__ import annotations

from datetime import timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone

from billing_webhooks import processing, sweeping
from billing_webhooks.exceptions import GiveUp
from billing_webhooks.lifecycle import Name, Step, tell
from billing_webhooks.metrics import labels, standing
from billing_webhooks.metrics.counting import OURS
from billing_webhooks.models import Heartbeat, WebhookEvent
from billing_webhooks.providers.billabear.signals import SIGNALS
from billing_webhooks.providers.kinde.signals import SIGNALS as KINDE_SIGNALS
from billing_webhooks.signals import event_processed
from billing_webhooks.testing import KindeIssuer, kinde_event
from billing_webhooks.vitals import measuring
from tests.celery_engine.waiting import LONGEST_SECONDS
from tests.conftest import Connect, PostBillaBear, PostKinde
from tests.endpoint.deliveries import CUSTOMER, send
from tests.observing.conftest import TOKEN, Scrape, Scraped
from tests.overview.events import event

pytestmark = pytest.mark.django_db


def rise(before: Scraped, after: Scraped, name: str, **given: str) -> float:
    return after(name, **given) - before(name, **given)


def test_event__counted_and_timed(scrape: Scrape, post_billabear: PostBillaBear) -> None:
    before = scrape()
    post_billabear("customer_created", customer=CUSTOMER)
    after = scrape()

    of = {"provider": "billabear"}
    known = {**of, "type": "customer_created"}
    assert rise(before, after, "received_total", **known) == 1
    assert rise(before, after, "processed_total", **known, outcome="applied") == 1
    assert rise(before, after, "attempts_total", **of, result="processed") == 1
    for name in ("accept_seconds", "since_occurred_seconds", "since_received_seconds"):
        assert rise(before, after, f"{name}_count", **of) == 1
        assert rise(before, after, f"{name}_sum", **of) > 0


def test_receivers__timed_and_their_failures_counted(
    scrape: Scrape, post_billabear: PostBillaBear, connect: Connect
) -> None:
    def never(**kwargs: Any) -> None:
        raise GiveUp

    before = scrape()
    connect(event_processed, lambda **kwargs: None, "shop.good")
    connect(event_processed, lambda **kwargs: 1 / 0, "shop.bad")
    connect(event_processed, never, "shop.never")
    post_billabear("customer_created", customer=CUSTOMER)
    after = scrape()

    for receiver in ("shop.good", "shop.bad", "shop.never"):
        assert rise(before, after, "receiver_seconds_count", receiver=receiver) == 1
    failures = {"shop.bad": "error", "shop.never": "given_up"}
    for receiver, reason in failures.items():
        given = {"receiver": receiver, "reason": reason}
        assert rise(before, after, "receiver_failures_total", **given) == 1
    assert rise(before, after, "attempts_total", provider="billabear", result="postponed") == 1


def test_refused_and_repeated__counted(scrape: Scrape, client: Client, issuer: KindeIssuer) -> None:
    before = scrape()
    event = kinde_event("customer.created", {"id": "customer_1"})
    for claims in (event, event, event | {"data": {"id": "customer_2"}}):
        client.post("/webhooks/kinde", issuer.sign(claims), content_type="application/jwt")
    for _ in range(7):
        client.post("/webhooks/billabear", b"{}", content_type="text/plain")
    send(client, b"[]")
    after = scrape()

    assert rise(before, after, "repeated_total", provider="kinde") == 1
    assert rise(before, after, "contradicted_total", provider="kinde") == 1
    assert rise(before, after, "refused_total", provider="billabear", reason="secret") == 7
    assert rise(before, after, "quarantined_total", provider="billabear") == 1
    assert rise(before, after, "key_set_fetches_total", provider="kinde", result="fetched") == 1
    assert after("key_set_age_seconds", provider="kinde") < 60


def test_dead__counted_and_standing(scrape: Scrape, post_kinde: PostKinde) -> None:
    before = scrape()
    post_kinde("customer.plan_changed", {"customer_id": "c" * 300})
    after = scrape()

    assert rise(before, after, "dead_total", provider="kinde") == 1
    assert rise(before, after, "events", provider="kinde", state="dead") == 1


def test_queue__asked_of_the_database(
    scrape: Scrape, post_billabear: PostBillaBear, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for _ in range(3):
        post_billabear("customer_created", customer=CUSTOMER)
    hour_ago = timezone.now() - timedelta(hours=1)
    WebhookEvent.objects.update(next_attempt_at=hour_ago, received_at=hour_ago)

    found = scrape()
    assert found("events", provider="billabear", state="pending") == found("due_events") == 3
    assert 3600 <= found("oldest_due_seconds") < 3700
    assert 3600 <= found("last_event_age_seconds", provider="billabear") < 3700
    assert found("inbox_readable") == 1
    sweeping.sweep()
    Heartbeat.objects.create(name="worker", at=hour_ago)
    found = scrape()
    assert found("events", provider="billabear", state="pending") == found("due_events") == 0
    assert found("oldest_due_seconds") == 0
    assert found("sweep_age_seconds") < 60
    assert 3600 <= found("worker_age_seconds") < 3700


def test_silence__by_the_rule_of_health(scrape: Scrape) -> None:
    now = timezone.now()
    times = [now - timedelta(minutes=ago) for ago in range(60, 260, 10)]
    WebhookEvent.objects.bulk_create(map(event, times))

    found = scrape()
    assert [found("silent", provider=alias) for alias in ("kinde", "billabear")] == [1, 0]
    event(now).save()
    assert scrape()("silent", provider="kinde") == 0
    assert ("billing_webhooks_silent", frozenset({("provider", "kinde")})) in found.samples


def test_refusals_of_ours__begin_at_zero(scrape: Scrape) -> None:
    found = scrape()
    for reason in OURS:
        labels = frozenset({("provider", "billabear"), ("reason", reason)})
        assert ("billing_webhooks_refused_total", labels) in found.samples


def test_events_of_an_alias_that_is_gone__stand_under_other(
    scrape: Scrape, post_billabear: PostBillaBear, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_billabear("customer_created", customer=CUSTOMER)
    settings.BILLING_WEBHOOKS_PROVIDERS = {}
    before = scrape()
    processing.work(WebhookEvent.objects.get().mailbox)

    assert before("events", provider="other", state="pending") == 1
    assert rise(before, scrape(), "attempts_total", provider="other", result="postponed") == 1


def test_scrapes_within_seconds__ask_the_database_once(
    scrape: Scrape, client: Client, django_assert_num_queries: Any
) -> None:
    scrape()
    with django_assert_num_queries(0):
        client.get("/metrics/", headers={"Authorization": f"Bearer {TOKEN}"})


@pytest.mark.parametrize("events", [0, 30])
def test_scrape__same_statements_however_much_there_is(
    scrape: Scrape,
    post_billabear: PostBillaBear,
    settings: Any,
    django_assert_num_queries: Any,
    events: int,
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        "billabear": settings.BILLING_WEBHOOKS_PROVIDERS["billabear"]
    }
    for _ in range(events):
        post_billabear("customer_created", customer=CUSTOMER)
    # Three states, what is due, the sweep, and the alias's last event.
    with django_assert_num_queries(6):
        scrape()


def test_counts__end_at_a_bound(
    scrape: Scrape,
    post_billabear: PostBillaBear,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    for module in (standing, measuring):
        monkeypatch.setattr(module, "MOST", 2)
    for _ in range(3):
        post_billabear("customer_created", customer=CUSTOMER)

    scraped = scrape()
    assert scraped("due_events") == 2
    assert scraped("events", provider="billabear", state="pending") == 2


def test_database_away__the_rest_is_scraped(scrape: Scrape) -> None:
    def gone(*args: Any) -> None:
        raise OperationalError

    with connection.execute_wrapper(gone):
        found = scrape()

    assert ("billabear" in found.labels("provider"), found("inbox_readable")) == (True, 0)
    assert ("billing_webhooks_due_events", frozenset()) not in found.samples
    assert scrape()("inbox_readable") == 1


@pytest.mark.django_db(transaction=True)
def test_server_with_threads_of_its_own__leaves_no_connection_open() -> None:
    left_open: list[bool] = []

    def scrape_in_thread() -> None:
        standing.standing.forget()
        list(standing.standing.collect())
        left_open.append(connection.connection is not None)

    thread = Thread(target=scrape_in_thread, daemon=True)
    thread.start()
    thread.join(LONGEST_SECONDS)

    assert left_open == [False]


def test_hostile_input__makes_no_series(
    scrape: Scrape, client: Client, post_billabear: PostBillaBear
) -> None:
    post_billabear("customer_created", customer=CUSTOMER)
    post_billabear("made_up", customer=CUSTOMER)
    client.post("/webhooks/billabear", b"{}", content_type="text/plain")
    before = scrape()
    for number in range(50):
        post_billabear(f"made_up_{number}", customer=CUSTOMER)
        client.post(f"/webhooks/made-up-{number}", b"{}", content_type="text/plain")
        client.post(f"/webhooks/billabear/{number}", b"{}", content_type="text/plain")
    after = scrape()

    assert after.samples.keys() == before.samples.keys()
    given = {"provider": "billabear", "type": "other"}
    assert rise(before, after, "received_total", **given) == 50
    # Other tests of this process have sent events of their own.
    assert after.labels("type") <= {*SIGNALS, *KINDE_SIGNALS, "other"}


@pytest.mark.parametrize(
    ("few", "texts"),
    [
        (r"[a-z_0-9]+", [f"reason_{number}" for number in range(1000)]),
        (r"[a-z_]+", ["\n", "", "A", "x" * 9 + "\x00", "é"]),
    ],
    ids=["many", "odd"],
)
def test_labels_of_ours__are_few_at_the_end(few: str, texts: list[str]) -> None:
    label = labels.Few(few)

    assert len({label(text) for text in texts}) <= labels.MOST + 1
    assert label("Ω") == "other"


def test_step_of_unknown_alias__other(scrape: Scrape) -> None:
    before = scrape()
    tell(Step(Name.ACCEPTED, provider="evil", event_type="evil", seconds=0.1))

    after = scrape()
    assert rise(before, after, "received_total", provider="other", type="other") == 1
    assert "evil" not in after.labels("provider")
