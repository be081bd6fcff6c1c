"""
What each Kinde event type says, in a sentence for people.

Source: docs.kinde.com, "Webhook triggers", 2026-04.
"""

from django.utils.translation import gettext_lazy as _

MEANINGS = {
    "customer.plan_created": _("A plan was made."),
    "customer.plan_assigned": _("A customer was put on a plan."),
    "customer.plan_changed": _("A customer changed to another plan."),
    "customer.agreement_created": _("A customer agreed to a plan."),
    "customer.agreement_cancelled": _("A customer's agreement was cancelled."),
    "customer.payment_succeeded": _("A payment was made."),
    "customer.payment_failed": _("A payment failed."),
    "customer.invoice_overdue": _("An invoice is overdue."),
    "customer.meter_usage_updated": _("Usage was recorded."),
}
