"""Settings of a project that means to use Celery and has made no app."""

from tests.settings import *  # noqa: F403

BILLING_WEBHOOKS_DISPATCH = "celery"
