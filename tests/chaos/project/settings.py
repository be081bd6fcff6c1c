"""
Settings of the project, from the environment of each of its processes.

CHAOS_PACKAGE is the directory that billing_webhooks must be imported from: a sabotaged
build that another one hides would prove nothing.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import billing_webhooks
from example_project.database_url import database_config
from tests.chaos import SECRET

_package = Path(billing_webhooks.__file__).parent
if _package != Path(os.environ.get("CHAOS_PACKAGE", _package)):
    raise RuntimeError(f"billing_webhooks was imported from {_package}.")

# A statement that waits for longer than this fails, and is tried again.
TIMEOUTS = {"lock_timeout": "5s", "statement_timeout": "15s"}


def _database(url: str) -> dict[str, Any]:
    options = {
        "connect_timeout": 5,
        "options": " ".join(f"-c {name}={value}" for name, value in TIMEOUTS.items()),
    }
    return {**database_config(url), "OPTIONS": options}


DATABASES = {"default": _database(os.environ.get("DATABASE_URL", "postgres://localhost/chaos"))}
if "CHAOS_QUIET_URL" in os.environ:
    DATABASES["quiet"] = _database(os.environ["CHAOS_QUIET_URL"])
DATABASE_ROUTERS = ["tests.chaos.project.routing.Router"]

SECRET_KEY = "for tests only"
USE_TZ = True
ROOT_URLCONF = "tests.chaos.project.urls"
ALLOWED_HOSTS = ["127.0.0.1"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "billing_webhooks",
    "tests.chaos.project",
]

BILLING_WEBHOOKS_PROVIDERS = {
    "kinde": {
        "BACKEND": "billing_webhooks.providers.kinde.KindeProvider",
        "OPTIONS": {"ISSUER": os.environ.get("CHAOS_ISSUER", "https://acme.kinde.com")},
    },
    "billabear": {
        "BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider",
        "OPTIONS": {"SECRETS": [SECRET]},
    },
}
BILLING_WEBHOOKS_DISPATCH = "celery"
# Short, so that what was interrupted is done within the run.
BILLING_WEBHOOKS_BACKOFF_BASE = timedelta(seconds=0.25)
BILLING_WEBHOOKS_BACKOFF_CAP = timedelta(seconds=4)

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL", "memory://")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
# Beat would wait for ever for a broker that is silent.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 3, "socket_connect_timeout": 3}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {process} {levelname} {name}: {message}", "style": "{"}
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
