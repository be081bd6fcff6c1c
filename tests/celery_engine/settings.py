"""Settings of processes that work on the database of the tests, which TESTS_DATABASE describes."""

import json
import os
from datetime import timedelta

from tests.settings import *  # noqa: F403

DATABASES = {"default": json.loads(os.environ["TESTS_DATABASE"])}

BILLING_WEBHOOKS_DISPATCH = "celery"
# Short, so that a test need not wait long for an event that has used up its attempts.
BILLING_WEBHOOKS_MAX_ATTEMPTS = 3
BILLING_WEBHOOKS_BACKOFF_BASE = timedelta(milliseconds=100)

CELERY_BROKER_URL = os.environ.get("TESTS_BROKER_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
