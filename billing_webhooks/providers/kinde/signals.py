"""
One signal per Kinde event type.

Each passes event, customer, plan, subscription, payment, invoice and usage (None
where the event is about no such thing) and changes (model → field → (old, new)).

Source: docs.kinde.com, "Webhook triggers", 2026-04.
"""

from billing_webhooks.signals import EventSignal

customer_plan_created = EventSignal("kinde.customer_plan_created")
customer_plan_assigned = EventSignal("kinde.customer_plan_assigned")
customer_plan_changed = EventSignal("kinde.customer_plan_changed")
customer_agreement_created = EventSignal("kinde.customer_agreement_created")
customer_agreement_cancelled = EventSignal("kinde.customer_agreement_cancelled")
customer_payment_succeeded = EventSignal("kinde.customer_payment_succeeded")
customer_payment_failed = EventSignal("kinde.customer_payment_failed")
customer_invoice_overdue = EventSignal("kinde.customer_invoice_overdue")
customer_meter_usage_updated = EventSignal("kinde.customer_meter_usage_updated")

SIGNALS = {
    "customer.plan_created": customer_plan_created,
    "customer.plan_assigned": customer_plan_assigned,
    "customer.plan_changed": customer_plan_changed,
    "customer.agreement_created": customer_agreement_created,
    "customer.agreement_cancelled": customer_agreement_cancelled,
    "customer.payment_succeeded": customer_payment_succeeded,
    "customer.payment_failed": customer_payment_failed,
    "customer.invoice_overdue": customer_invoice_overdue,
    "customer.meter_usage_updated": customer_meter_usage_updated,
}
