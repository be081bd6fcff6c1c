"""What a user may use, in templates: `{% load billing_webhooks %}`."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from billing_webhooks.access import Answer, billing_of, has_plan

register = template.Library()


@register.filter("has_plan")
def user_has_plan(user: Any, plan: str) -> Answer:
    """Return whether a user, or a customer, has a plan: `{% if user|has_plan:"pro" %}`."""
    return has_plan(user, plan)


@register.simple_tag(name="has_plan", takes_context=True)
def visitor_has_plan(context: Context, *plans: str) -> Answer:
    """
    Return whether the visitor has any of these plans: `{% has_plan "pro" "team" as allowed %}`.

    Without one, whether the visitor has anything.
    """
    billing = billing_of(getattr(context.get("request"), "user", None))
    return billing.has_plan(*plans) if plans else billing.has_active_subscription()
