"""
Settings of the catalogue's servers, from the environment of each.

TESTS_DATABASE describes the database of the tests, TESTS_KINDE the aliases of Kinde with their
OPTIONS; everything that anybody logs goes to the file TESTS_LOG.
"""

import json
import os

from tests import settings as of_the_tests
from tests.settings import *  # noqa: F403

DATABASES = {
    "default": json.loads(os.environ.get("TESTS_DATABASE", "null"))
    or of_the_tests.DATABASES["default"]
}

KINDE = "billing_webhooks.providers.kinde.KindeProvider"
BILLABEAR = "billing_webhooks.providers.billabear.BillaBearProvider"
SECOND_SECRET = "the-secret-of-the-second"

BILLING_WEBHOOKS_PROVIDERS = {
    **of_the_tests.BILLING_WEBHOOKS_PROVIDERS,
    "second": {"BACKEND": BILLABEAR, "OPTIONS": {"SECRETS": [SECOND_SECRET]}},
    "locked": {"BACKEND": BILLABEAR, "OPTIONS": {"SECRETS": [""]}},
    **{
        alias: {"BACKEND": KINDE, "OPTIONS": options}
        for alias, options in json.loads(os.environ.get("TESTS_KINDE", "{}")).items()
    },
}
# Each case looks at its own line, and at what its own request has written.
BILLING_WEBHOOKS_REFUSALS_LOGGED = 1_000_000
BILLING_WEBHOOKS_REFUSALS_KEPT = 0

# These have handlers of their own, or keep what they say to themselves. When they are to say
# everything, the servers quote each request before anybody of ours has seen it.
_LEVELS = {
    **dict.fromkeys(("django", "django.server"), "DEBUG"),
    **dict.fromkeys(("gunicorn", "gunicorn.access", "gunicorn.error"), "INFO"),
    **dict.fromkeys(("uvicorn", "uvicorn.access", "uvicorn.error"), "INFO"),
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "tests.catalogue.logbook.JSONLines"}},
    "handlers": {
        "file": {
            "class": "logging.FileHandler",
            "filename": os.environ.get("TESTS_LOG", os.devnull),
            "formatter": "json",
        }
    },
    "root": {"handlers": ["file"], "level": "DEBUG"},
    "loggers": {
        name: {"handlers": [], "level": level, "propagate": True} for name, level in _LEVELS.items()
    },
}
