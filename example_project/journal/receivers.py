"""
Receivers of billing signals: where a project does what follows from the news.

These write a line into the journal. Each runs in a transaction of its own and, once it
has succeeded, never again for the same event; one that raises is tried again later.
"""

from decimal import Decimal
from typing import Any

from django.dispatch import receiver

from billing_webhooks import signals
from billing_webhooks.exceptions import GiveUp
from billing_webhooks.facts import IntegrationFailure, TaxThreshold
from billing_webhooks.models import (
    Customer,
    Invoice,
    Payment,
    Plan,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from billing_webhooks.providers.billabear import signals as billabear
from billing_webhooks.providers.kinde import signals as kinde
from example_project.journal.models import Mail, Notice, Outage, Service

Sender = type[WebhookEvent]

# A top-level domain that nobody can have, so no mail can go there.
# Source: RFC 2606, section 2.
NOWHERE = ".invalid"

# Signals in the words of both providers. They are sent when something has changed, so
# news that arrives twice or too late is not told again.


@receiver(signals.customer_created)
def welcome(sender: Sender, event: WebhookEvent, customer: Customer, **kwargs: Any) -> None:
    _note("customer_created", event, customer, f"{customer} is a new customer")


@receiver(signals.trial_started)
def note_trial(
    sender: Sender,
    event: WebhookEvent,
    customer: Customer | None,
    subscription: Subscription,
    **kwargs: Any,
) -> None:
    _note("trial_started", event, customer, f"{customer} tries {subscription.plan_name}")


@receiver(signals.subscription_started)
def grant_access(
    sender: Sender,
    event: WebhookEvent,
    customer: Customer | None,
    subscription: Subscription,
    **kwargs: Any,
) -> None:
    _note("subscription_started", event, customer, f"{customer} is on {subscription.plan_name}")


@receiver(signals.subscription_ended)
def review_access(
    sender: Sender,
    event: WebhookEvent,
    customer: Customer | None,
    subscription: Subscription,
    **kwargs: Any,
) -> None:
    # A change of plan can end one subscription and start another, in any order, so the
    # end of one says nothing yet about access.
    others = Subscription.objects.filter(customer=customer, status=Subscription.Status.ACTIVE)
    remains = "keeps another" if others.exists() else "has none left"
    _note(
        "subscription_ended",
        event,
        customer,
        f"{customer} ended {subscription.plan_name} and {remains}",
    )


@receiver(signals.plan_changed)
def change_limits(
    sender: Sender,
    event: WebhookEvent,
    customer: Customer | None,
    plan: Plan | None,
    old_plan: Plan | None = None,
    **kwargs: Any,
) -> None:
    origin = f" from {old_plan}" if old_plan else ""
    _note("plan_changed", event, customer, f"{customer} went{origin} to {plan}")


@receiver(signals.payment_succeeded)
def thank(
    sender: Sender, event: WebhookEvent, customer: Customer | None, payment: Payment, **kwargs: Any
) -> None:
    _note("payment_succeeded", event, customer, f"{customer or 'Somebody'} paid {_amount(payment)}")


@receiver(signals.payment_succeeded)
def send_receipt(
    sender: Sender, event: WebhookEvent, customer: Customer | None, payment: Payment, **kwargs: Any
) -> None:
    """Send a receipt. It is tried again while the mail server is down, and never to nowhere."""
    if customer is None or not customer.email:
        return
    if Outage.objects.filter(service=Service.MAIL, is_down=True).exists():
        raise ConnectionRefusedError("The mail server is down: nobody listens at port 25.")
    if customer.email.endswith(NOWHERE):
        raise GiveUp(f"The mail server knows nobody called {customer.email}.")
    Mail.objects.create(to=customer.email, subject=f"Receipt: {_amount(payment)}", event=event)


@receiver(signals.payment_failed)
def remind(
    sender: Sender, event: WebhookEvent, customer: Customer | None, payment: Payment, **kwargs: Any
) -> None:
    _note("payment_failed", event, customer, f"{customer} could not pay {_amount(payment)}")


@receiver(signals.invoice_overdue)
def chase(
    sender: Sender, event: WebhookEvent, customer: Customer | None, invoice: Invoice, **kwargs: Any
) -> None:
    _note("invoice_overdue", event, customer, f"{customer} owes {_amount(invoice)}")


@receiver(signals.usage_recorded)
def count_usage(
    sender: Sender,
    event: WebhookEvent,
    customer: Customer | None,
    usage: UsageRecord,
    **kwargs: Any,
) -> None:
    _note(
        "usage_recorded", event, customer, f"{customer}: {_plain(usage.quantity)} of {usage.meter}"
    )


@receiver(signals.integration_failed)
def tell_operators(
    sender: Sender,
    event: WebhookEvent,
    customer: Customer | None,
    failure: IntegrationFailure,
    **kwargs: Any,
) -> None:
    _note("integration_failed", event, customer, f"The {failure.integration} integration failed")


@receiver(signals.tax_threshold_reached)
def tell_accounting(
    sender: Sender,
    event: WebhookEvent,
    customer: Customer | None,
    threshold: TaxThreshold,
    **kwargs: Any,
) -> None:
    place = threshold.state_name or threshold.country_name
    _note("tax_threshold_reached", event, customer, f"Sales reached the tax threshold of {place}")


# Signals of one provider's own event types. They are sent for every such event.


@receiver(kinde.customer_agreement_created)
def note_agreement(
    sender: Sender,
    event: WebhookEvent,
    customer: Customer | None,
    subscription: Subscription | None,
    **kwargs: Any,
) -> None:
    identity = subscription.external_id if subscription else "no id"
    _note("kinde.customer_agreement_created", event, customer, f"Kinde's agreement {identity}")


@receiver(billabear.subscription_cancelled)
def ask_why(
    sender: Sender,
    event: WebhookEvent,
    customer: Customer | None,
    subscription: Subscription,
    **kwargs: Any,
) -> None:
    text = f"{customer} asked to cancel {subscription.plan_name}"
    _note("billabear.subscription_cancelled", event, customer, text)


@receiver(billabear.usage_warning_triggered)
def look_at_usage(
    sender: Sender, event: WebhookEvent, customer: Customer | None, **kwargs: Any
) -> None:
    text = "BillaBear warns of somebody's usage, and does not say whose"
    _note("billabear.usage_warning_triggered", event, customer, text)


# The signal of every event, of whatever type.


@receiver(signals.event_processed)
def note_unknown_type(
    sender: Sender, event: WebhookEvent, customer: Customer | None, **kwargs: Any
) -> None:
    if event.outcome == WebhookEvent.Outcome.UNHANDLED:
        _note("event_processed", event, customer, f"An unknown type of event: {event.event_type}")


def _note(signal: str, event: WebhookEvent, customer: Customer | None, text: str) -> None:
    Notice.objects.create(signal=signal, event=event, customer=customer, text=text[:300])


def _amount(entry: Payment | Invoice) -> str:
    # An amount says what it counts only where the provider does.
    return f"{_plain(entry.amount)} ({entry.get_amount_unit_display()})"


def _plain(number: Decimal | None) -> str:
    return "an unknown amount" if number is None else f"{number.normalize():f}"
