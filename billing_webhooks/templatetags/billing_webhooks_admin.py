"""What the admin's own templates need."""

from __future__ import annotations

from django import template
from django.template import Context
from django.urls import NoReverseMatch, reverse

from billing_webhooks.models import WebhookEvent

register = template.Library()


@register.simple_tag(takes_context=True)
def overview_url(context: Context) -> str:
    """Return where the overview is on this site; "" if it has none, or none for this user."""
    models = (each for app in context.get("available_apps") or () for each in app["models"])
    if not any(each["model"] is WebhookEvent and each["perms"]["view"] for each in models):
        return ""
    site = getattr(context.get("request"), "current_app", None)
    try:
        return reverse("admin:billing_webhooks_overview", current_app=site)
    except NoReverseMatch:
        return ""
