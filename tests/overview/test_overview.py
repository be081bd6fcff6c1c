"""How everything stands: what is not done, refused, failing, silent, and by which keys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from billing_webhooks.models import ReceiverRun, RefusalCount, WebhookEvent
from billing_webhooks.overview import AliasOverview, overview
from billing_webhooks.overview import figures as overview_figures
from billing_webhooks.testing import KindeIssuer
from tests.conftest import PostKinde
from tests.overview.events import event

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


def received(minutes_ago: float, provider: str = "kinde", **fields: Any) -> WebhookEvent:
    each = event(timezone.now() - minutes_ago * MINUTE, provider, **fields)
    each.save()
    return each


def of(alias: str) -> AliasOverview:
    [found] = [each for each in overview().aliases if each.alias == alias]
    return found


def texts(about: str) -> list[str]:
    return [each.text for each in overview().problems if each.about == about]


def failed(name: str, signal: str = "payment_failed", **fields: Any) -> ReceiverRun:
    values = {"state": "failed", "last_error": f"Traceback\nRuntimeError: {name}", **fields}
    return ReceiverRun.objects.create(
        event=received(5), receiver=name, signal=signal, subject="", **values
    )


def test_overview__of_nothing() -> None:
    found = overview()

    assert found.is_empty
    assert [each.alias for each in found.aliases] == ["kinde", "billabear"]
    assert found.receivers == ()
    assert {each.about for each in found.problems} == {"sweep"}


def test_aliases__that_are_configured_no_more_come_last() -> None:
    for alias in ("zzz", "aaa", "kinde"):
        received(5, alias)
    RefusalCount.objects.create(
        provider="mmm", reason="x", day=timezone.now().date(), count=1, last_at=timezone.now()
    )
    found = overview().aliases

    assert [each.alias for each in found] == ["kinde", "billabear", "aaa", "mmm", "zzz"]
    assert [each.is_configured for each in found] == [True, True, False, False, False]


def test_alias__that_is_configured_wrongly(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {"kinde": {"BACKEND": "no.such.Provider"}}
    received(5)

    assert of("kinde").rhythm.known == 1
    [text] = texts("configuration")
    assert "cannot be imported" in text


def test_undone__by_alias_and_state() -> None:
    oldest = received(50, state="pending", outcome="")
    received(20, state="pending", outcome="applied")
    received(60, "billabear", state="dead", outcome="")
    received(70)
    kinde, billabear = of("kinde"), of("billabear")

    assert (kinde.pending.count, kinde.dead.count, kinde.quarantined.count) == (2, 0, 0)
    assert (kinde.pending.oldest_key, kinde.pending.is_capped) == (oldest.pk, False)
    assert (billabear.pending.count, billabear.dead.count) == (0, 1)


def test_undone__at_least_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview_figures, "MAX_COUNTED", 3)
    for minutes_ago in range(1, 6):
        received(minutes_ago, state="dead", outcome="")
    received(1, "billabear", state="dead", outcome="")
    received(1, state="pending", outcome="")
    kinde, billabear = of("kinde"), of("billabear")

    # Of the last 30 days all are counted, by the other index.
    assert (kinde.dead.count, kinde.dead.is_capped) == (5, True)
    assert (billabear.dead.count, billabear.dead.is_capped) == (1, True)
    assert (kinde.pending.count, kinde.pending.is_capped) == (1, False)


def test_refused__by_reason_in_seven_days() -> None:
    now = timezone.now()
    for days_ago, reason, count in [(0, "a", 1), (6, "a", 2), (7, "a", 50), (1, "b", 9)]:
        moment = now - timedelta(days=days_ago)
        RefusalCount.objects.create(
            provider="kinde", reason=reason, day=moment.date(), count=count, last_at=moment
        )
    found = of("kinde").refused

    assert [(each.reason, each.count) for each in found] == [("b", 9), ("a", 3)]
    assert found[1].last_at == RefusalCount.objects.get(count=1).last_at


def test_failing__receivers_by_signal() -> None:
    failed("old")
    failed("crm", state="given_up")
    failed("crm", signal="payment_received")
    failed("fine", state="succeeded")
    last = failed("crm", last_error="Traceback\nValueError: \x1b[31m")
    found = overview().receivers

    assert [(each.receiver, each.signal, each.count) for each in found] == [
        ("crm", "payment_failed", 2),
        ("crm", "payment_received", 1),
        ("old", "payment_failed", 1),
    ]
    assert (found[0].run_key, found[0].error) == (last.pk, r"ValueError: \x1b[31m")
    assert found[0].first_at < found[0].last_at
    assert texts("receivers") == ["Receivers fail: crm, old."]


def test_failing__at_least_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overview_figures, "MAX_COUNTED", 2)
    for _ in range(4):
        failed("crm")
    [found] = overview().receivers

    assert (found.count, found.is_capped) == (2, True)


def test_silence__is_told() -> None:
    last = timezone.now() - timedelta(hours=9)
    WebhookEvent.objects.bulk_create(
        event(last - number * 12 * MINUTE, alias)
        for number in range(20)
        for alias in ("kinde", "former")
    )

    assert texts("silence") == ["Nothing from kinde for 9 hours; usual gap 12 minutes."]


def test_keys__before_the_first_fetch(issuer: KindeIssuer) -> None:
    keys = of("kinde").keys

    assert keys is not None
    assert (keys.published, keys.vanished, keys.fetched_at) == (0, 0, None)
    assert of("billabear").keys is None
    assert issuer.requests == 0


def test_keys__when_they_were_fetched(issuer: KindeIssuer, post_kinde: PostKinde) -> None:
    before = timezone.now()
    post_kinde("customer.agreement_created", {"customer_id": "customer_1"})
    requests = issuer.requests
    keys = of("kinde").keys

    assert keys is not None
    assert keys.fetched_at is not None
    assert before <= keys.fetched_at <= timezone.now()
    assert (keys.published, keys.vanished, issuer.requests) == (1, 0, requests)


def test_queries__as_many_for_many_rows() -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            overview()
        return len(captured)

    received(5)
    failed("crm")
    before = count()
    for number in range(30):
        received(number, state="pending", outcome="")
        failed(f"crm_{number}")

    assert count() == before
    received(5, "former")
    # A look for it, and its rhythm.
    assert count() == before + 2
