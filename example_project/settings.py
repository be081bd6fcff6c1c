"""
Settings of the example project, for your own machine.

The environment may say: KINDE_ISSUER, KINDE_JWKS_URL, BILLABEAR_SECRETS (separated by
commas), DATABASE_URL, CELERY_BROKER_URL, SECRET_KEY, ALLOWED_HOSTS (separated by
commas), METRICS_TOKEN, DEBUG=1.
"""

import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from django.core.management.utils import get_random_secret_key

from billing_webhooks.schedule import BEAT_SCHEDULE
from example_project.database_url import database_config

FOLDER = Path(__file__).resolve().parent

# What is specific to billing_webhooks: the app, its providers, and its URLs in urls.py.

INSTALLED_APPS = [
    "billing_webhooks",
    # With the extra `metrics`; Prometheus gets them at /metrics/ for the token.
    *(["billing_webhooks.metrics"] if find_spec("prometheus_client") else []),
    "example_project.journal",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
]

BILLING_WEBHOOKS_PROVIDERS = {
    "kinde": {
        "BACKEND": "billing_webhooks.providers.kinde.KindeProvider",
        "OPTIONS": {
            "ISSUER": os.environ.get("KINDE_ISSUER", "https://example.kinde.com"),
            "JWKS_URL": os.environ.get("KINDE_JWKS_URL"),
        },
    },
    "billabear": {
        "BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider",
        "OPTIONS": {
            "SECRETS": [
                secret.strip()
                for secret in os.environ.get("BILLABEAR_SECRETS", "").split(",")
                if secret.strip()
            ],
        },
    },
}

BILLING_WEBHOOKS_METRICS_TOKEN = os.environ.get("METRICS_TOKEN", "")

# The rest is as in any project.

DATABASES = {
    "default": database_config(
        os.environ.get("DATABASE_URL") or f"sqlite:///{quote(str(FOLDER / 'db.sqlite3'))}"
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# With a broker, Celery workers work the events off; without one, the request does.
CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL")
BILLING_WEBHOOKS_DISPATCH = "celery" if CELERY_BROKER_URL else "inline"
CELERY_BEAT_SCHEDULE = {**BEAT_SCHEDULE}
# A worker that starts before its broker waits for it.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Without these, worker and beat wait for ever for a Redis that is silent.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 10, "socket_connect_timeout": 10}

# Without a key of your own, logins end when the server does, and several server
# processes do not know each other's.
SECRET_KEY = os.environ.get("SECRET_KEY") or get_random_secret_key()

# Off unless asked for: an error page would show whoever caused it the settings.
# The admin then has its styles by `runserver --insecure`.
DEBUG = os.environ.get("DEBUG") == "1"
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver").split(",")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
LOGIN_URL = "admin:login"
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        "billing_webhooks": {"level": "INFO"},
        # Its handlers speak only in debug mode, and by mail; without them the root speaks.
        "django": {"level": "INFO"},
        # The log of requests of runserver holds whole URLs, and with them BillaBear's secret.
        "django.server": {"level": "CRITICAL"},
    },
}
