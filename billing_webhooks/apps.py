from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BillingWebhooksConfig(AppConfig):
    name = "billing_webhooks"
    verbose_name = _("Billing webhooks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Django finds checks by the import of the module that registers them.
        from billing_webhooks import checks  # noqa: F401
