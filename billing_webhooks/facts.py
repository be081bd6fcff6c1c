"""
What events say, in words that belong to no provider.

A provider's reading turns a payload into facts; the projection turns facts into rows.
In every fact `None` means "this event says nothing about it"; an empty string or False
is something that was said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TypeAlias

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class SubscriptionStatus(models.TextChoices):
    TRIALING = "trialing", _("trialing")
    # Django has a text "active" of its own, about users, which would win.
    ACTIVE = "active", pgettext_lazy("status of a subscription", "active")
    PAST_DUE = "past_due", _("past due")
    UNPAID = "unpaid", _("unpaid")
    PAUSED = "paused", _("paused")
    CANCELLING = "cancelling", _("cancelling")
    CANCELLED = "cancelled", _("cancelled")
    UNKNOWN = "unknown", _("unknown")


class Lifecycle(models.TextChoices):
    """Whether an agreement was last said to have begun or to have ended."""

    STARTED = "started", _("started")
    ENDED = "ended", _("ended")


class Collection(models.TextChoices):
    """The latest news about money that was to be collected."""

    PAID = "paid", _("paid")
    FAILED = "failed", _("failed")
    OVERDUE = "overdue", _("overdue")


class CustomerKind(models.TextChoices):
    PERSON = "person", _("person")
    ORGANIZATION = "organization", _("organization")
    UNKNOWN = "unknown", _("unknown")


class PaymentStatus(models.TextChoices):
    SUCCEEDED = "succeeded", _("succeeded")
    FAILED = "failed", _("failed")


class InvoiceStatus(models.TextChoices):
    OVERDUE = "overdue", _("overdue")
    PAID = "paid", _("paid")


class AmountUnit(models.TextChoices):
    """What the number of an amount counts; `unknown` is never guessed away."""

    MINOR = "minor", _("minor units")
    MAJOR = "major", _("major units")
    UNKNOWN = "unknown", _("unknown unit")


Key: TypeAlias = tuple[str, str]


@dataclass(frozen=True)
class CustomerRef:
    """Names a customer by its id, by its organisation, or by both, which makes them one."""

    external_id: str = ""
    organization_code: str = ""

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The (kind, value) pairs that identify the customer, strongest first."""
        return _keys(("id", self.external_id), ("organization", self.organization_code))


@dataclass(frozen=True)
class PlanRef:
    """
    Names a plan by code, id or name, as far as the event knows them.

    Codes and ids are names of one kind, because some events give one where others give
    the other. Give `by_name` only where the provider refers to plans by nothing else.
    """

    code: str = ""
    external_id: str = ""
    by_name: str = ""

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The (kind, value) pairs that identify the plan, strongest first."""
        return _keys(("id", self.code), ("id", self.external_id), ("name", self.by_name))


def _keys(*keys: Key) -> tuple[Key, ...]:
    return tuple(dict.fromkeys([key for key in keys if key[1]]))


@dataclass(frozen=True)
class Money:
    """An amount as it was sent: never converted, its unit and currency known or not."""

    amount: Decimal
    unit: AmountUnit = AmountUnit.UNKNOWN
    currency: str | None = None


@dataclass(frozen=True)
class CustomerFact:
    """
    What an event says about a customer.

    What it says of money or of a cancellation belongs here if it names no subscription;
    that something was paid, always. `cancelled_plan` is the plan that was cancelled, where
    the event names it. With `plan_by_agreement`, the plan is that of an agreement.
    """

    customer: CustomerRef
    email: str | None = None
    user_external_id: str | None = None
    brand: str | None = None
    is_disabled: bool | None = None
    plan: PlanRef | None = None
    plan_by_agreement: bool = False
    says_plan_changed: bool = False
    collection: Collection | None = None
    agreement_cancelled_at: datetime | None = None
    cancelled_plan: PlanRef | None = None


@dataclass(frozen=True)
class PlanFact:
    """
    What an event says about a plan.

    `is_mention` marks an event that names the plan but is about something else: it
    fills in what nobody has said yet and overwrites nothing.
    """

    plan: PlanRef
    is_mention: bool = False
    name: str | None = None
    code: str | None = None
    has_trial: bool | None = None
    trial_days: int | None = None
    standalone_trial: bool | None = None
    is_deleted: bool | None = None


@dataclass(frozen=True)
class SubscriptionFact:
    """
    What an event says about a subscription.

    `status` is the provider's own word in our vocabulary, for providers that send one, and
    `counts_as_active` whether such a subscription is an active one to the provider.
    `plan_is_mention` marks a plan that may be an old one: any other event outranks it.
    `says_plan_changed` marks an event whose very meaning is a change of plan, which is
    then one even if the plan before it was never seen.
    """

    external_id: str
    customer: CustomerRef | None = None
    plan: PlanRef | None = None
    plan_name: str | None = None
    plan_is_mention: bool = False
    says_plan_changed: bool = False
    lifecycle: Lifecycle | None = None
    collection: Collection | None = None
    status: SubscriptionStatus | None = None
    provider_status: str | None = None
    counts_as_active: bool | None = None
    started_at: datetime | None = None
    current_period_end: datetime | None = None
    cancelled_at: datetime | None = None
    trial_started_at: datetime | None = None
    trial_ended_at: datetime | None = None


@dataclass(frozen=True)
class PaymentFact:
    """A payment; without an `external_id` each event is a payment of its own."""

    status: PaymentStatus
    external_id: str = ""
    customer: CustomerRef | None = None
    subscription: str = ""
    money: Money | None = None


@dataclass(frozen=True)
class InvoiceFact:
    """An invoice; without an `external_id` each event is an invoice of its own."""

    status: InvoiceStatus
    external_id: str = ""
    customer: CustomerRef | None = None
    subscription: str = ""
    money: Money | None = None
    due_at: datetime | None = None


@dataclass(frozen=True)
class UsageFact:
    """One reading of a meter. `quantity` is None where it was sent but is no number."""

    meter: str
    quantity: Decimal | None
    customer: CustomerRef | None = None
    subscription: str = ""


@dataclass(frozen=True)
class IntegrationFailure:
    """An integration of the provider failed; `message` may hold customer data."""

    integration: str
    message: str = ""
    code: str = ""


@dataclass(frozen=True)
class TaxThreshold:
    """A tax threshold was reached. `threshold` is in major units of an unknown currency."""

    country_code: str = ""
    country_name: str = ""
    state_name: str = ""
    threshold: Decimal | None = None


Notice: TypeAlias = IntegrationFailure | TaxThreshold
Fact: TypeAlias = (
    CustomerFact | PlanFact | SubscriptionFact | PaymentFact | InvoiceFact | UsageFact | Notice
)
