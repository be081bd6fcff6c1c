"""Settings for the server to which the demonstration plays, and for nobody else."""

from datetime import timedelta

from example_project.settings import *  # noqa: F403
from example_project.settings import MIDDLEWARE

MIDDLEWARE = ["example_project.demonstration.clock.ClockMiddleware", *MIDDLEWARE]
ROOT_URLCONF = "example_project.demonstration.urls"
# A month is played in seconds, and what failed is to be tried again within it.
BILLING_WEBHOOKS_BACKOFF_BASE = BILLING_WEBHOOKS_BACKOFF_CAP = timedelta(milliseconds=50)
