"""The same settings with dj-stripe beside this app, where it is installed."""

from importlib.util import find_spec

from benchmarks import STRIPE_KEY
from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import INSTALLED_APPS as APPS

if find_spec("djstripe"):
    INSTALLED_APPS = [*APPS, "djstripe"]
    ROOT_URLCONF = "benchmarks.peers_urls"
    DJSTRIPE_FOREIGN_KEY_TO_FIELD = "id"
    # Its migrations take half a minute, and what matters are its tables. They want those of
    # the others, which are then made in the same way.
    MIGRATION_MODULES = dict.fromkeys(["djstripe", "auth", "contenttypes"])
    STRIPE_LIVE_MODE = False
    STRIPE_TEST_SECRET_KEY = STRIPE_KEY
