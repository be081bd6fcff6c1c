"""Settings of the example project where the web processes only store."""

from example_project.settings import *  # noqa: F403

BILLING_WEBHOOKS_DISPATCH = "deferred"
