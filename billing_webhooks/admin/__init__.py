"""
The admin: every model, read-only.

To show a model differently, unregister it and register a subclass of its class here.
"""

from django.contrib import admin

from billing_webhooks.admin.customers import CustomerAdmin
from billing_webhooks.admin.entries import InvoiceAdmin, PaymentAdmin, UsageRecordAdmin
from billing_webhooks.admin.events import WebhookEventAdmin
from billing_webhooks.admin.jobs import JobAdmin
from billing_webhooks.admin.mailboxes import MailboxAdmin
from billing_webhooks.admin.plans import PlanAdmin
from billing_webhooks.admin.refusals import RefusalAdmin, RefusalCountAdmin
from billing_webhooks.admin.runs import ReceiverRunAdmin
from billing_webhooks.admin.subscriptions import SubscriptionAdmin
from billing_webhooks.admin.upkeep import HeartbeatAdmin, KeptTextAdmin
from billing_webhooks.models import (
    Customer,
    Heartbeat,
    Invoice,
    Job,
    KeptText,
    Mailbox,
    Payment,
    Plan,
    ReceiverRun,
    Refusal,
    RefusalCount,
    Subscription,
    UsageRecord,
    WebhookEvent,
)

__all__ = [
    "CustomerAdmin",
    "HeartbeatAdmin",
    "InvoiceAdmin",
    "JobAdmin",
    "KeptTextAdmin",
    "MailboxAdmin",
    "PaymentAdmin",
    "PlanAdmin",
    "ReceiverRunAdmin",
    "RefusalAdmin",
    "RefusalCountAdmin",
    "SubscriptionAdmin",
    "UsageRecordAdmin",
    "WebhookEventAdmin",
]

admin.site.register(WebhookEvent, WebhookEventAdmin)
admin.site.register(Mailbox, MailboxAdmin)
admin.site.register(ReceiverRun, ReceiverRunAdmin)
admin.site.register(Customer, CustomerAdmin)
admin.site.register(Plan, PlanAdmin)
admin.site.register(Subscription, SubscriptionAdmin)
admin.site.register(Payment, PaymentAdmin)
admin.site.register(Invoice, InvoiceAdmin)
admin.site.register(UsageRecord, UsageRecordAdmin)
admin.site.register(Job, JobAdmin)
admin.site.register(Refusal, RefusalAdmin)
admin.site.register(RefusalCount, RefusalCountAdmin)
admin.site.register(Heartbeat, HeartbeatAdmin)
admin.site.register(KeptText, KeptTextAdmin)
