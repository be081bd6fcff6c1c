"""
Settings of the processes that are measured: a new project's, with this app in it.

The environment may say: DATABASE_URL, BENCH_ISSUER, BENCH_DISPATCH, CELERY_BROKER_URL.
"""

import os
from datetime import timedelta

from benchmarks import SECRET
from example_project.database_url import database_config

DATABASES = {
    "default": {
        **database_config(os.environ.get("DATABASE_URL", "sqlite:///:memory:")),
        "CONN_MAX_AGE": 60,
        # It asks the database once more in each request; what it costs has a row of its own.
        "CONN_HEALTH_CHECKS": False,
    }
}
SECRET_KEY = "for benchmarks only"
USE_TZ = True
ROOT_URLCONF = "benchmarks.urls"
ALLOWED_HOSTS = ["testserver", "127.0.0.1"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "billing_webhooks",
]
# Those of `django-admin startproject`.
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
BILLING_WEBHOOKS_PROVIDERS = {
    "kinde": {
        "BACKEND": "billing_webhooks.providers.kinde.KindeProvider",
        "OPTIONS": {
            "ISSUER": os.environ.get("BENCH_ISSUER", "https://acme.kinde.com"),
            # Two months are posted within seconds.
            "MAX_AGE": timedelta(days=90),
        },
    },
    "billabear": {
        "BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider",
        "OPTIONS": {"SECRETS": [SECRET]},
    },
}
BILLING_WEBHOOKS_DISPATCH = os.environ.get("BENCH_DISPATCH", "deferred")

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL")
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
}
