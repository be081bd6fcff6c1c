"""
What BillaBear's events say.

Another event type is one more line in READINGS, one more signal, and in `shape` what it
must hold and the keys it reads.

Source: BillaBear's own payload classes, run and observed, 2026-04.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TypeAlias

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
    TaxThreshold,
)
from billing_webhooks.facts import SubscriptionStatus as Status
from billing_webhooks.providers.billabear.shape import (
    Payload,
    checked_type,
    id_of,
    object_at,
    optional_object_at,
)
from billing_webhooks.providers.paths import MAX_AMOUNT, number_at, storable, text_at, values_at

MAX_CURRENCY_LENGTH = 16

Read: TypeAlias = Callable[[Payload, datetime], Iterator[Fact]]

# BillaBear's SubscriptionStatus. `blocked` is neither active nor about money, and may be
# lifted again; `trial_ended` is a standalone trial that was never converted.
STATUSES: Mapping[str, Status] = {
    "active": Status.ACTIVE,
    "overdue_payment_open": Status.PAST_DUE,
    "pending_cancel": Status.CANCELLING,
    "overdue_payment_disabled": Status.UNPAID,
    "paused": Status.PAUSED,
    "cancelled": Status.CANCELLED,
    "blocked": Status.PAUSED,
    "trial_active": Status.TRIALING,
    "trial_ended": Status.CANCELLED,
}

# What BillaBear's own SubscriptionStatus holds to be active.
COUNTED_AS_ACTIVE = frozenset({"active", "trial_active", "overdue_payment_open", "pending_cancel"})


def read(event_type: str, payload: Payload, occurred_at: datetime) -> Sequence[Fact]:
    """Return the facts of an event of one of the types in READINGS."""
    checked_type(payload)
    return list(READINGS[event_type](payload, occurred_at))


def _read_payment(payload: Payload, at: datetime) -> Iterator[Fact]:
    amount = payload.get("amount")
    # 19.99 or "12" here would be a unit we do not know, and no amount of money.
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 <= amount < MAX_AMOUNT:
        raise NotUnderstood("The amount is no whole number of minor units in range.")
    customer = optional_object_at(payload, "customer")
    if customer is not None:
        yield _customer(customer, collection=Collection.PAID)
    yield PaymentFact(
        status=PaymentStatus.SUCCEEDED,
        external_id=id_of(payload, "payment"),
        customer=_customer_ref(customer) if customer is not None else None,
        # BillaBear's API says it, its events do not.
        money=Money(
            Decimal(amount),
            AmountUnit.MINOR,
            text_at(payload, "currency", limit=MAX_CURRENCY_LENGTH),
        ),
    )


def _read_customer(
    payload: Payload, at: datetime, *, is_disabled: bool | None = None
) -> Iterator[Fact]:
    yield _customer(object_at(payload, "customer"), is_disabled=is_disabled)


def _read_payment_method(payload: Payload, at: datetime) -> Iterator[Fact]:
    # No release has shown the shape of the payment method itself.
    customer = payload.get("customer")
    if isinstance(customer, Mapping) and isinstance(customer.get("id"), str):
        yield _customer(customer)


def _read_subscription(
    payload: Payload,
    at: datetime,
    *,
    lifecycle: Lifecycle | None = None,
    usual_status: Status | None = None,
    plan_is_mention: bool = False,
    times: Sequence[str] = (),
) -> Iterator[Fact]:
    """
    Read an event about a subscription.

    `usual_status` stands in where the event carries no status; `times` names the
    fields of SubscriptionFact that this event dates.
    """
    customer, subscription = object_at(payload, "customer"), object_at(payload, "subscription")
    word = text_at(subscription, "status")
    plan_name = text_at(subscription, "plan_name")
    yield _customer(customer)
    plan = PlanRef(by_name=plan_name) if plan_name else None
    yield SubscriptionFact(
        id_of(subscription, "subscription"),
        customer=_customer_ref(customer),
        plan=plan,
        plan_name=plan_name,
        plan_is_mention=plan_is_mention,
        lifecycle=lifecycle,
        status=STATUSES.get(word, Status.UNKNOWN) if word else usual_status,
        provider_status=word,
        counts_as_active=word in COUNTED_AS_ACTIVE if word in STATUSES else None,
        started_at=at if "started_at" in times else None,
        cancelled_at=at if "cancelled_at" in times else None,
        trial_started_at=at if "trial_started_at" in times else None,
        trial_ended_at=at if "trial_ended_at" in times else None,
    )


def _read_plan(payload: Payload, at: datetime, *, is_deleted: bool | None = None) -> Iterator[Fact]:
    plan = object_at(payload, "plan")
    name = text_at(plan, "name")
    days = number_at(plan, "trial_length_in_days")
    yield PlanFact(
        PlanRef(external_id=id_of(plan, "plan"), by_name=name or ""),
        name=name,
        code=_nullable_text_at(plan, "code"),
        has_trial=_bool_at(plan, "has_trial"),
        trial_days=int(days) if days is not None and 0 <= days < 100_000 else None,
        standalone_trial=_bool_at(plan, "standalone_trial"),
        is_deleted=is_deleted,
    )


def _read_integration_failure(
    payload: Payload, at: datetime, *, integration: str
) -> Iterator[Fact]:
    code = next(values_at(payload, "exception.code"), "")
    yield IntegrationFailure(
        integration,
        message=text_at(payload, "exception.message") or "",
        code=storable(str(code)) if isinstance(code, str | int) else "",
    )


def _read_usage_warning(payload: Payload, at: datetime) -> Iterator[Fact]:
    # It names neither a customer nor a limit.
    yield from ()


def _read_tax_threshold(payload: Payload, at: datetime) -> Iterator[Fact]:
    # A state's threshold also arrives under the country's type, told by its state.
    yield TaxThreshold(
        country_code=text_at(payload, "country.code") or "",
        country_name=text_at(payload, "country.name") or "",
        state_name=text_at(payload, "state.name") or "",
        threshold=number_at(payload, "state.threshold", "country.threshold"),
    )


def _customer(
    customer: Payload,
    *,
    is_disabled: bool | None = None,
    collection: Collection | None = None,
) -> CustomerFact:
    status = text_at(customer, "status")
    if status:
        # Only the API says it, and what it says counts more than the type of an event.
        is_disabled = status == "disabled"
    return CustomerFact(
        _customer_ref(customer),
        email=_nullable_text_at(customer, "email"),
        brand=text_at(customer, "brand"),
        is_disabled=_bool_at(customer, "is_disabled") if is_disabled is None else is_disabled,
        collection=collection,
    )


def _customer_ref(customer: Payload) -> CustomerRef:
    return CustomerRef(external_id=id_of(customer, "customer"))


def _nullable_text_at(node: Payload, name: str) -> str | None:
    # Null says that there is none; what is missing or no text says nothing.
    return "" if name in node and node[name] is None else text_at(node, name)


def _bool_at(node: Payload, name: str) -> bool | None:
    value = node.get(name)
    return value if isinstance(value, bool) else None


READINGS: Mapping[str, Read] = {
    "payment_received": _read_payment,
    "customer_created": _read_customer,
    "customer_updated": _read_customer,
    "customer_enabled": partial(_read_customer, is_disabled=False),
    "customer_disabled": partial(_read_customer, is_disabled=True),
    # An instant upgrade sends it again, with the name of the plan before.
    "subscription_created": partial(
        _read_subscription,
        lifecycle=Lifecycle.STARTED,
        times=("started_at",),
        plan_is_mention=True,
    ),
    "subscription_updated": _read_subscription,
    "subscription_cancelled": partial(
        _read_subscription, usual_status=Status.CANCELLING, times=("cancelled_at",)
    ),
    "subscription_paused": partial(_read_subscription, usual_status=Status.PAUSED),
    "trial_started": partial(
        _read_subscription, usual_status=Status.TRIALING, times=("trial_started_at",)
    ),
    # Despite its name it means that the trial was converted to a paid subscription.
    "trial_extended": partial(
        _read_subscription, usual_status=Status.ACTIVE, times=("trial_ended_at",)
    ),
    "trial_ended": partial(
        _read_subscription, usual_status=Status.CANCELLED, times=("trial_ended_at",)
    ),
    "plan_created": _read_plan,
    "plan_updated": _read_plan,
    "plan_deleted": partial(_read_plan, is_deleted=True),
    "payment_method_added": _read_payment_method,
    "payment_method_deleted": _read_payment_method,
    "payment_method_expired": _read_payment_method,
    "integration_accounting_failure": partial(_read_integration_failure, integration="accounting"),
    "integration_customer_support_failure": partial(
        _read_integration_failure, integration="customer_support"
    ),
    "integration_newsletter_failure": partial(_read_integration_failure, integration="newsletter"),
    "integration_crm_failure": partial(_read_integration_failure, integration="crm"),
    "usage_warning_triggered": _read_usage_warning,
    "tax_country_threshold_reached": _read_tax_threshold,
    "tax_state_threshold_reached": _read_tax_threshold,
}
