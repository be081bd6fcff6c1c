"""The page that Prometheus scrapes, to be included by the project."""

from django.urls import path

from billing_webhooks.metrics.views import scrape

app_name = "billing_webhooks_metrics"
urlpatterns = [path("", scrape, name="scrape")]
