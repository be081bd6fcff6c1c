from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from billing_webhooks.exceptions import NotUnderstood
from billing_webhooks.facts import (
    AmountUnit,
    Collection,
    CustomerFact,
    CustomerRef,
    Fact,
    IntegrationFailure,
    Lifecycle,
    Money,
    PaymentFact,
    PaymentStatus,
    PlanFact,
    PlanRef,
    SubscriptionFact,
    SubscriptionStatus,
    TaxThreshold,
)
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.billabear import signals
from billing_webhooks.providers.billabear.reading import READINGS, STATUSES
from billing_webhooks.providers.billabear.shape import KEYS
from billing_webhooks.signals import EventSignal
from billing_webhooks.testing import billabear_body
from tests.billabear.deliveries import (
    CONTENT,
    COUNTRY,
    CUSTOMER,
    CUSTOMER_ID,
    EXCEPTION,
    PAYMENT_ID,
    PLAN,
    PLAN_ID,
    SUBSCRIPTION_ID,
    subscription,
)
from tests.once import on_one_database

on_one_database()

NOW = datetime(2026, 3, 2, 10, 30, tzinfo=UTC)

WHO = CustomerRef(external_id=CUSTOMER_ID)
CUSTOMER_FACT = CustomerFact(
    WHO, email="customer.one@example.org", brand="default", is_disabled=False
)
PRO_BY_NAME = PlanRef(by_name="Pro")


def read(event_type: str, **content: Any) -> list[Fact]:
    """Return the facts of an event, by way of the bytes in which it travels."""
    provider = get_provider("billabear")
    payload = provider.decode(billabear_body(event_type, **content))
    return list(provider.read(event_type, payload, NOW))


def subscription_facts(word: str, status: SubscriptionStatus, **said: Any) -> list[Fact]:
    fact = SubscriptionFact(
        SUBSCRIPTION_ID,
        customer=WHO,
        plan=PRO_BY_NAME,
        plan_name="Pro",
        status=status,
        provider_status=word,
        counts_as_active=word
        in {"active", "trial_active", "overdue_payment_open", "pending_cancel"},
        **said,
    )
    return [CUSTOMER_FACT, fact]


def plan_facts(**said: Any) -> list[Fact]:
    return [
        PlanFact(
            PlanRef(external_id=PLAN_ID, by_name="Pro"),
            name="Pro",
            code="pro",
            has_trial=True,
            trial_days=14,
            standalone_trial=False,
            **said,
        )
    ]


def failure(integration: str) -> list[Fact]:
    return [IntegrationFailure(integration, EXCEPTION["message"], code="422")]


FACTS: dict[str, list[Fact]] = {
    "payment_received": [
        CustomerFact(
            WHO,
            email="customer.one@example.org",
            brand="default",
            is_disabled=False,
            collection=Collection.PAID,
        ),
        PaymentFact(
            PaymentStatus.SUCCEEDED,
            PAYMENT_ID,
            customer=WHO,
            money=Money(Decimal(3000), AmountUnit.MINOR),
        ),
    ],
    "customer_created": [CUSTOMER_FACT],
    "customer_updated": [CUSTOMER_FACT],
    "customer_enabled": [CUSTOMER_FACT],
    "customer_disabled": [
        CustomerFact(WHO, email="customer.one@example.org", brand="default", is_disabled=True)
    ],
    "subscription_created": subscription_facts(
        "active",
        SubscriptionStatus.ACTIVE,
        lifecycle=Lifecycle.STARTED,
        started_at=NOW,
        plan_is_mention=True,
    ),
    "subscription_updated": subscription_facts("active", SubscriptionStatus.ACTIVE),
    "subscription_cancelled": subscription_facts(
        "pending_cancel", SubscriptionStatus.CANCELLING, cancelled_at=NOW
    ),
    "subscription_paused": subscription_facts("paused", SubscriptionStatus.PAUSED),
    "trial_started": subscription_facts(
        "trial_active", SubscriptionStatus.TRIALING, trial_started_at=NOW
    ),
    "trial_extended": subscription_facts("active", SubscriptionStatus.ACTIVE, trial_ended_at=NOW),
    "trial_ended": subscription_facts(
        "trial_ended", SubscriptionStatus.CANCELLED, trial_ended_at=NOW
    ),
    "plan_created": plan_facts(),
    "plan_updated": plan_facts(),
    "plan_deleted": plan_facts(is_deleted=True),
    "payment_method_added": [CUSTOMER_FACT],
    "payment_method_deleted": [CUSTOMER_FACT],
    "payment_method_expired": [CUSTOMER_FACT],
    "integration_accounting_failure": failure("accounting"),
    "integration_customer_support_failure": failure("customer_support"),
    "integration_newsletter_failure": failure("newsletter"),
    "integration_crm_failure": failure("crm"),
    "usage_warning_triggered": [],
    "tax_country_threshold_reached": [TaxThreshold("FR", "France", threshold=Decimal(90000))],
    "tax_state_threshold_reached": [
        TaxThreshold("US", "United States", "Texas", threshold=Decimal(500000))
    ],
}


def test_body__is_the_sender_s() -> None:
    body = billabear_body("customer_created", **CONTENT["customer_created"])

    assert body == (
        b'{"type":"customer_created","customer":{"id":"0b1e5c1e-8a4f-4d0e-9a44-6c0b3d6c2f11",'
        b'"email":"customer.one@example.org","brand":"default","is_disabled":false}}'
    )


def test_body__escapes_as_php_does() -> None:
    body = billabear_body("moon_landed", at="Z\u00fcrich/\U0001f319")

    assert body == rb'{"type":"moon_landed","at":"Z\u00fcrich\/\ud83c\udf19"}'


def test_every_type_has_a_reading_and_a_signal() -> None:
    declared = {name for name, value in vars(signals).items() if isinstance(value, EventSignal)}

    assert len(FACTS) == 25
    assert FACTS.keys() == CONTENT.keys() == READINGS.keys() == signals.SIGNALS.keys() == declared
    assert all(signal.name == f"billabear.{name}" for name, signal in signals.SIGNALS.items())


@pytest.mark.parametrize("event_type", CONTENT)
def test_genuine_event__facts(event_type: str) -> None:
    assert read(event_type, **CONTENT[event_type]) == FACTS[event_type]


@pytest.mark.parametrize("event_type", sorted(CONTENT.keys() - {"usage_warning_triggered"}))
def test_every_key_that_says_something__must_not_stand_twice(event_type: str) -> None:
    """Whatever changes the facts when it is taken away is a key that is read."""
    content = CONTENT[event_type]

    for path, without in _each_left_out(content):
        try:
            is_read = read(event_type, **without) != FACTS[event_type]
        except NotUnderstood:
            is_read = True
        assert path in KEYS or not is_read


def _each_left_out(content: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for name, value in content.items():
        found.append((name, {key: content[key] for key in content if key != name}))
        if isinstance(value, dict):
            found += [(inner, content | {name: left}) for inner, left in _each_left_out(value)]
    return found


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("active", "active"),
        ("overdue_payment_open", "past_due"),
        ("pending_cancel", "cancelling"),
        ("overdue_payment_disabled", "unpaid"),
        ("paused", "paused"),
        ("cancelled", "cancelled"),
        ("blocked", "paused"),
        ("trial_active", "trialing"),
        ("trial_ended", "cancelled"),
        ("on_the_moon", "unknown"),
        ("Active", "unknown"),
    ],
)
def test_status__in_our_words_and_in_theirs(word: str, status: str) -> None:
    fact = subscription_of("subscription_updated", subscription(word))

    assert (fact.status, fact.provider_status) == (status, word)


def test_statuses__all_tested() -> None:
    assert len(STATUSES) == 9


@pytest.mark.parametrize(
    ("event_type", "status"),
    [
        ("subscription_created", None),
        ("subscription_updated", None),
        ("subscription_cancelled", "cancelling"),
        ("subscription_paused", "paused"),
        ("trial_started", "trialing"),
        ("trial_extended", "active"),
        ("trial_ended", "cancelled"),
    ],
)
def test_missing_status__what_the_type_means(event_type: str, status: str | None) -> None:
    fact = subscription_of(event_type, {"id": SUBSCRIPTION_ID, "plan_name": "Pro"})

    assert (fact.status, fact.provider_status) == (status, None)


def subscription_of(event_type: str, content: dict[str, Any]) -> SubscriptionFact:
    fact = read(event_type, subscription=content, customer=CUSTOMER)[-1]
    assert isinstance(fact, SubscriptionFact)
    return fact


@pytest.mark.parametrize("plan_name", [None, "", 5])
def test_subscription_without_plan_name__names_no_plan(plan_name: object) -> None:
    content = {"id": SUBSCRIPTION_ID, "plan_name": plan_name, "status": "active"}
    facts = read("subscription_created", subscription=content, customer=CUSTOMER)

    assert [type(fact) for fact in facts] == [CustomerFact, SubscriptionFact]
    assert subscription_of("subscription_created", content).plan is None


def test_payment_of_nobody() -> None:
    facts = read("payment_received", id=PAYMENT_ID, customer=None, amount=0)

    assert facts == [
        PaymentFact(PaymentStatus.SUCCEEDED, PAYMENT_ID, money=Money(Decimal(0), AmountUnit.MINOR))
    ]


def test_missing_and_null__are_not_the_same() -> None:
    (silent,) = read("customer_updated", customer={"id": CUSTOMER_ID})
    (null,) = read("customer_updated", customer={"id": CUSTOMER_ID, "email": None})

    assert silent == CustomerFact(WHO)
    assert null == CustomerFact(WHO, email="")


def test_plan_without_code() -> None:
    (null,) = read("plan_created", plan=PLAN | {"code": None, "trial_length_in_days": None})
    (silent,) = read("plan_created", plan={"id": PLAN_ID})

    assert isinstance(null, PlanFact)
    assert (null.code, null.trial_days) == ("", None)
    assert silent == PlanFact(PlanRef(external_id=PLAN_ID))


@pytest.mark.parametrize(
    ("code", "text"),
    [(0, "0"), (422, "422"), ("SMTP-42", "SMTP-42"), ("", ""), (None, ""), ([], ""), (1.5, "")],
)
def test_exception_code__as_text(code: object, text: str) -> None:
    facts = read("integration_crm_failure", exception=EXCEPTION | {"code": code})

    assert facts == [IntegrationFailure("crm", EXCEPTION["message"], code=text)]


@pytest.mark.parametrize("uri", ["https://api.example.org/", {}, {"host": "x"}, None])
def test_exception_uri__may_be_anything(uri: object) -> None:
    exception = EXCEPTION | {"request": {"method": "POST", "uri": uri, "body": ""}}

    assert read("integration_crm_failure", exception=exception) == failure("crm")


@pytest.mark.parametrize("exception", [None, "text", [], {}])
def test_exception_that_says_nothing(exception: object) -> None:
    assert read("integration_crm_failure", exception=exception) == [IntegrationFailure("crm")]


def test_state_threshold__under_the_type_of_the_country() -> None:
    content = CONTENT["tax_state_threshold_reached"]

    assert read("tax_country_threshold_reached", **content) == [
        TaxThreshold("US", "United States", "Texas", threshold=Decimal(500000))
    ]


@pytest.mark.parametrize("threshold", ["NaN", "90,000", "", None, True, "1" * 30, {}])
def test_threshold_that_is_no_number__unknown(threshold: object) -> None:
    facts = read("tax_country_threshold_reached", country=COUNTRY | {"threshold": threshold})

    assert facts == [TaxThreshold("FR", "France", threshold=None)]


@pytest.mark.parametrize("country", [None, "FR", []])
def test_threshold_of_no_country(country: object) -> None:
    assert read("tax_country_threshold_reached", country=country) == [TaxThreshold()]


@pytest.mark.parametrize("customer", [None, "x", {}, {"id": None}])
@pytest.mark.parametrize("event_type", ["payment_method_added", "payment_method_deleted"])
def test_payment_method_of_nobody(event_type: str, customer: object) -> None:
    assert read(event_type, customer=customer) == []


@pytest.mark.parametrize(
    ("event_type", "missing"),
    [
        ("payment_received", "id"),
        ("payment_received", "amount"),
        ("customer_updated", "customer"),
        ("subscription_updated", "subscription"),
        ("subscription_updated", "customer"),
        ("plan_updated", "plan"),
    ],
)
def test_missing_object__not_understood(event_type: str, missing: str) -> None:
    content = {name: value for name, value in CONTENT[event_type].items() if name != missing}

    with pytest.raises(NotUnderstood):
        read(event_type, **content)
