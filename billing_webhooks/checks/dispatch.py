"""Whether what a wake-up by Celery needs is installed and configured."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from django.core import checks
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.conf import settings


def check_dispatch() -> list[CheckMessage]:
    """Check that what a wake-up by Celery needs is installed and configured."""
    try:
        if settings.DISPATCH != "celery":
            return []
    except ImproperlyConfigured:
        return []
    try:
        from billing_webhooks import publishing
    except ImportError as error:
        return [
            _nobody_is_woken(
                f"{error.name} cannot be imported",
                hint="pip install 'django-billing-webhooks[celery]'",
                id="billing_webhooks.W006",
            )
        ]
    try:
        # In a thread that Celery has not seen, because that is where most web servers ask.
        with ThreadPoolExecutor(max_workers=1) as thread:
            task = thread.submit(publishing.work_task).result()
        publishing.producers(task.app)
    except publishing.NoCeleryApp:
        return [
            _nobody_is_woken(
                "this project has no Celery app, or not in every thread",
                hint="Make one in your project's celery.py and import it in its __init__.py, "
                "before anything else uses Celery.",
                id="billing_webhooks.W007",
            )
        ]
    except Exception as error:
        # The class alone: the message may hold the broker's password.
        return [
            _nobody_is_woken(
                f"the Celery app cannot use its broker ({type(error).__name__})",
                hint="Look at the app's broker_url, and install what its transport needs.",
                id="billing_webhooks.W008",
            )
        ]
    return []


def _nobody_is_woken(reason: str, *, hint: str, id: str) -> CheckMessage:  # noqa: A002
    return checks.Warning(
        f"BILLING_WEBHOOKS_DISPATCH is 'celery', but {reason}, so no worker is woken.",
        hint=hint,
        id=id,
    )
