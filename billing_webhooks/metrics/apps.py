from django.apps import AppConfig


class MetricsConfig(AppConfig):
    name = "billing_webhooks.metrics"
    label = "billing_webhooks_metrics"
    verbose_name = "Billing webhooks: metrics"

    def ready(self) -> None:
        from billing_webhooks.lifecycle import observe
        from billing_webhooks.metrics import counting, standing

        observe(counting.counting_observer)
        standing.register()
