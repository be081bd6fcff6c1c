from contextlib import suppress

from django.apps import AppConfig
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _


class BillingWebhooksConfig(AppConfig):
    name = "billing_webhooks"
    verbose_name = _("Billing webhooks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Checks and actions are found by the import of the module that registers them.
        from billing_webhooks import checks, operating  # noqa: F401
        from billing_webhooks.conf import settings
        from billing_webhooks.keeping import SharedKeeper
        from billing_webhooks.lifecycle import observe
        from billing_webhooks.logs import log_observer
        from billing_webhooks.providers import keeping

        keeping.use(SharedKeeper())
        observe(log_observer)

        # Here, so that the first request need not wait for it. What is wrong the checks tell.
        with suppress(ImportError, ImproperlyConfigured):
            if settings.DISPATCH == "celery":
                from billing_webhooks import publishing  # noqa: F401
