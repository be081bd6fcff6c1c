"""`path("health/", include("billing_webhooks.health_urls"))`: live, ready and well, for probes."""

from django.urls import re_path

from billing_webhooks.health_views import live, ready, well

app_name = "billing_webhooks_health"

# With and without a slash at the end: a probe might take a redirect for an answer.
urlpatterns = [
    re_path(r"^live/?\Z", live, name="live"),
    re_path(r"^ready/?\Z", ready, name="ready"),
    re_path(r"^well/?\Z", well, name="well"),
]
