"""
One signal per BillaBear event type.

Each passes event, customer, plan, subscription, payment, invoice and usage (None
where the event is about no such thing) and changes (model → field → (old, new)).

Source: BillaBear's WebhookEventType; docs.billabear.com, "Webhooks", 2026-04.
"""

from billing_webhooks.signals import EventSignal

payment_received = EventSignal("billabear.payment_received")
customer_created = EventSignal("billabear.customer_created")
customer_updated = EventSignal("billabear.customer_updated")
customer_enabled = EventSignal("billabear.customer_enabled")
customer_disabled = EventSignal("billabear.customer_disabled")
subscription_created = EventSignal("billabear.subscription_created")
subscription_updated = EventSignal("billabear.subscription_updated")
subscription_cancelled = EventSignal("billabear.subscription_cancelled")
subscription_paused = EventSignal("billabear.subscription_paused")
trial_started = EventSignal("billabear.trial_started")
trial_extended = EventSignal("billabear.trial_extended")
trial_ended = EventSignal("billabear.trial_ended")
plan_created = EventSignal("billabear.plan_created")
plan_updated = EventSignal("billabear.plan_updated")
plan_deleted = EventSignal("billabear.plan_deleted")
payment_method_added = EventSignal("billabear.payment_method_added")
payment_method_deleted = EventSignal("billabear.payment_method_deleted")
payment_method_expired = EventSignal("billabear.payment_method_expired")
integration_accounting_failure = EventSignal("billabear.integration_accounting_failure")
integration_customer_support_failure = EventSignal("billabear.integration_customer_support_failure")
integration_newsletter_failure = EventSignal("billabear.integration_newsletter_failure")
integration_crm_failure = EventSignal("billabear.integration_crm_failure")
usage_warning_triggered = EventSignal("billabear.usage_warning_triggered")
tax_country_threshold_reached = EventSignal("billabear.tax_country_threshold_reached")
tax_state_threshold_reached = EventSignal("billabear.tax_state_threshold_reached")

SIGNALS = {
    "payment_received": payment_received,
    "customer_created": customer_created,
    "customer_updated": customer_updated,
    "customer_enabled": customer_enabled,
    "customer_disabled": customer_disabled,
    "subscription_created": subscription_created,
    "subscription_updated": subscription_updated,
    "subscription_cancelled": subscription_cancelled,
    "subscription_paused": subscription_paused,
    "trial_started": trial_started,
    "trial_extended": trial_extended,
    "trial_ended": trial_ended,
    "plan_created": plan_created,
    "plan_updated": plan_updated,
    "plan_deleted": plan_deleted,
    "payment_method_added": payment_method_added,
    "payment_method_deleted": payment_method_deleted,
    "payment_method_expired": payment_method_expired,
    "integration_accounting_failure": integration_accounting_failure,
    "integration_customer_support_failure": integration_customer_support_failure,
    "integration_newsletter_failure": integration_newsletter_failure,
    "integration_crm_failure": integration_crm_failure,
    "usage_warning_triggered": usage_warning_triggered,
    "tax_country_threshold_reached": tax_country_threshold_reached,
    "tax_state_threshold_reached": tax_state_threshold_reached,
}
