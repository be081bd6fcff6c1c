"""The inbox of events and the billing state that comes of them."""

from billing_webhooks.models.billing import (
    Customer,
    CustomerIdentity,
    Plan,
    PlanIdentity,
    Subscription,
)
from billing_webhooks.models.entries import Invoice, Payment, UsageRecord
from billing_webhooks.models.inbox import Heartbeat, Mailbox, ReceiverRun, WebhookEvent

__all__ = [
    "Customer",
    "CustomerIdentity",
    "Heartbeat",
    "Invoice",
    "Mailbox",
    "Payment",
    "Plan",
    "PlanIdentity",
    "ReceiverRun",
    "Subscription",
    "UsageRecord",
    "WebhookEvent",
]
