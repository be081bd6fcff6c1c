"""
What each BillaBear event type says, in a sentence for people.

Some names mislead: `trial_extended` is sent when a trial is converted.
"""

from django.utils.translation import gettext_lazy as _

MEANINGS = {
    "payment_received": _("A payment was made."),
    "customer_created": _("A customer was made."),
    "customer_updated": _("A customer's data changed."),
    "customer_enabled": _("A customer was enabled."),
    "customer_disabled": _("A customer was disabled."),
    "subscription_created": _("A customer subscribed."),
    "subscription_updated": _("A subscription changed."),
    "subscription_cancelled": _("A subscription is to be cancelled."),
    "subscription_paused": _("A subscription was paused."),
    "trial_started": _("A trial began."),
    "trial_extended": _("A trial became a paid subscription."),
    "trial_ended": _("A trial ended."),
    "plan_created": _("A plan was made."),
    "plan_updated": _("A plan changed."),
    "plan_deleted": _("A plan was deleted."),
    "payment_method_added": _("A payment method was added."),
    "payment_method_deleted": _("A payment method was deleted."),
    "payment_method_expired": _("A payment method expired."),
    "integration_accounting_failure": _("The integration with the accounting failed."),
    "integration_customer_support_failure": _("The integration with customer support failed."),
    "integration_newsletter_failure": _("The integration with the newsletter failed."),
    "integration_crm_failure": _("The integration with the CRM failed."),
    "usage_warning_triggered": _("Somebody's usage reached a warning's threshold."),
    "tax_country_threshold_reached": _("Sales reached the tax threshold of a country or state."),
    "tax_state_threshold_reached": _("Sales reached the tax threshold of a state."),
}
