"""Settings of the example project where what has failed is tried again at once."""

from datetime import timedelta

from example_project.settings import *  # noqa: F403

BILLING_WEBHOOKS_BACKOFF_BASE = BILLING_WEBHOOKS_BACKOFF_CAP = timedelta(milliseconds=50)
