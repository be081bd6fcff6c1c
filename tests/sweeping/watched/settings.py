"""The tests' settings, with the receiver."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS as TESTED_APPS

INSTALLED_APPS = [*TESTED_APPS, "tests.sweeping.watched.apps.WatchedConfig"]
BILLING_WEBHOOKS_DISPATCH = "deferred"
