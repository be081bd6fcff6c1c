"""
The admin: every model, read-only.

To show a model differently, unregister it and register a subclass of its class here.
"""

from django.contrib import admin

from billing_webhooks.admin.billing import CustomerAdmin, PlanAdmin, SubscriptionAdmin
from billing_webhooks.admin.entries import InvoiceAdmin, PaymentAdmin, UsageRecordAdmin
from billing_webhooks.admin.inbox import (
    HeartbeatAdmin,
    MailboxAdmin,
    ReceiverRunAdmin,
    WebhookEventAdmin,
)
from billing_webhooks.models import (
    Customer,
    Heartbeat,
    Invoice,
    Mailbox,
    Payment,
    Plan,
    ReceiverRun,
    Subscription,
    UsageRecord,
    WebhookEvent,
)

__all__ = [
    "CustomerAdmin",
    "HeartbeatAdmin",
    "InvoiceAdmin",
    "MailboxAdmin",
    "PaymentAdmin",
    "PlanAdmin",
    "ReceiverRunAdmin",
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
admin.site.register(Heartbeat, HeartbeatAdmin)
