"""
`path("billing/", include("billing_webhooks.api.urls"))` answers on billing/v1/….

A project that wants other permissions subclasses the views and names its own addresses.
"""

from __future__ import annotations

from django.urls import path

from billing_webhooks.api.incomplete import unavailable
from billing_webhooks.checks.api import missing

app_name = "billing_webhooks_api"

if missing():
    # The deliveries must not suffer, and the checks could not even load URLs that raise.
    urlpatterns = [path("v1/<path:anything>", unavailable)]
else:
    from billing_webhooks.api.addresses import urlpatterns

__all__ = ["app_name", "urlpatterns"]
