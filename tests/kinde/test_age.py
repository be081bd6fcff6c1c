"""How old a token may be, how far ahead, and what is odd but kept."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.kinde import KindeProvider
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.kinde.conftest import Deliver, configure
from tests.kinde.deliveries import CHANGED_PLAN

pytestmark = pytest.mark.django_db

ISSUER = "https://acme.kinde.com"


def built(ago: timedelta, **claims: Any) -> dict[str, Any]:
    """Return an event that was built so long ago."""
    moment = (datetime.now(UTC) - ago).isoformat()
    return kinde_event("customer.plan_changed", CHANGED_PLAN, timestamp=moment, **claims)


@pytest.mark.parametrize(
    ("hours", "status"), [(0, 200), (40, 200), (71.9, 200), (72.1, 401), (9_000, 401)]
)
def test_age__up_to_72_hours(
    issuer: KindeIssuer, deliver: Deliver, hours: float, status: int
) -> None:
    assert deliver(issuer.sign(built(timedelta(hours=hours)))).status_code == status
    assert WebhookEvent.objects.count() == (status == 200)


def test_age__of_the_payload_and_not_of_what_happened(
    issuer: KindeIssuer, deliver: Deliver
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=400)
    event = built(timedelta(), occurred_at=long_ago)

    assert deliver(issuer.sign(event)).status_code == 200
    assert WebhookEvent.objects.get().occurred_at == long_ago


@pytest.mark.parametrize(
    ("max_age", "hours", "status"),
    [(timedelta(hours=50), 49, 200), (timedelta(hours=50), 51, 401), (None, 9_000, 200)],
)
def test_age__is_configured(
    issuer: KindeIssuer,
    deliver: Deliver,
    settings: Any,
    max_age: timedelta | None,
    hours: int,
    status: int,
) -> None:
    configure(settings, ISSUER=issuer.url, MAX_AGE=max_age)

    assert deliver(issuer.sign(built(timedelta(hours=hours)))).status_code == status


@pytest.mark.parametrize("timestamp", [None, "", "yesterday", 5, [], "2026-13-01T00:00:00Z"])
def test_age__unknown_is_not_held_against_it(
    issuer: KindeIssuer, deliver: Deliver, timestamp: Any
) -> None:
    event = built(timedelta()) | {"timestamp": timestamp}

    assert deliver(issuer.sign(event)).status_code == 200


@pytest.mark.parametrize("max_age", [72, "72h", True])
def test_age__of_another_type_told_by_name(max_age: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"\['MAX_AGE'\] must be a timedelta"):
        KindeProvider("kinde", {"ISSUER": ISSUER, "MAX_AGE": max_age})


@pytest.mark.parametrize(
    ("max_age", "ids"),
    [
        (timedelta(minutes=5), ["billing_webhooks.W103"]),
        (timedelta(hours=36), ["billing_webhooks.W103"]),
        (timedelta(hours=37), []),
        (None, []),
    ],
)
def test_check__age_below_what_is_sent_again(max_age: timedelta | None, ids: list[str]) -> None:
    provider = KindeProvider("kinde", {"ISSUER": ISSUER, "MAX_AGE": max_age})

    assert [message.id for message in provider.check()] == ids


def ahead(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat()


def in_seconds(seconds: float) -> float:
    return datetime.now(UTC).timestamp() + seconds


# What is said of an event that is kept; nothing of one that is as usual.
ODD: dict[str, tuple[dict[str, Any], str]] = {
    "usual": ({}, ""),
    "a minute ahead": ({"event_timestamp": ahead(minutes=1)}, ""),
    "an hour ahead": ({"event_timestamp": ahead(hours=1)}, "dated ahead of our time"),
    "a year ahead": ({"event_timestamp": ahead(days=365)}, "more than a day ahead"),
    "no time": ({"event_timestamp": None, "timestamp": None}, "no readable time"),
    "garbage": ({"event_timestamp": "x", "timestamp": "x"}, "no readable time"),
    "issued now": ({"iat": in_seconds(2), "nbf": in_seconds(2)}, ""),
    "issued ahead": ({"iat": in_seconds(3600)}, "issued ahead of our time"),
    "not before": ({"nbf": in_seconds(3600)}, "issued ahead of our time"),
    "issued by no clock": ({"iat": "now", "nbf": [], "aud": 5, "sub": 7, "jti": {}}, ""),
    "expires": ({"exp": in_seconds(86400)}, ""),
    "expiry is no number": ({"exp": "never"}, "exp is no number"),
}


@pytest.mark.parametrize(("claims", "warning"), ODD.values(), ids=ODD)
def test_odd__kept_and_told_in_its_one_line(
    issuer: KindeIssuer,
    deliver: Deliver,
    caplog: pytest.LogCaptureFixture,
    settings: Any,
    claims: dict[str, Any],
    warning: str,
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    deliver(issuer.sign(built(timedelta())))
    caplog.clear()
    caplog.set_level(logging.INFO)

    assert deliver(issuer.sign(built(timedelta()) | claims)).status_code == 200
    (record,) = caplog.records
    assert record.levelname == ("WARNING" if warning else "INFO")
    assert warning in record.getMessage()


def test_far_ahead__never_wins_over_what_comes_later(issuer: KindeIssuer, deliver: Deliver) -> None:
    event = kinde_event("customer.plan_changed", CHANGED_PLAN | {"plan": {"code": "broken_clock"}})
    deliver(issuer.sign(event | {"event_timestamp": ahead(days=365)}))
    deliver(issuer.sign(kinde_event("customer.plan_changed", CHANGED_PLAN)))

    customer = WebhookEvent.objects.latest("received_at").customer
    assert customer is not None
    assert str(customer.plan) == "Pro"
