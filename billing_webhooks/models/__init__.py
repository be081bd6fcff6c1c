"""The inbox of events and the billing state that comes of them."""

from billing_webhooks.models.billing import Plan, PlanIdentity, Subscription
from billing_webhooks.models.customers import Customer, CustomerIdentity, CustomerLink
from billing_webhooks.models.entries import Invoice, Payment, UsageRecord
from billing_webhooks.models.inbox import (
    ConflictingDelivery,
    Mailbox,
    WebhookEvent,
)
from billing_webhooks.models.jobs import Job
from billing_webhooks.models.runs import ReceiverRun
from billing_webhooks.models.upkeep import Heartbeat, KeptText, Refusal, RefusalCount

__all__ = [
    "ConflictingDelivery",
    "Customer",
    "CustomerIdentity",
    "CustomerLink",
    "Heartbeat",
    "Invoice",
    "Job",
    "KeptText",
    "Mailbox",
    "Payment",
    "Plan",
    "PlanIdentity",
    "ReceiverRun",
    "Refusal",
    "RefusalCount",
    "Subscription",
    "UsageRecord",
    "WebhookEvent",
]
