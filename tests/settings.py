"""Settings of the test project: the app, the admin, and nothing that hides a fault."""

import os
import tempfile

from example_project.database_url import database_config

DATABASES = {"default": database_config(os.environ.get("DATABASE_URL", "sqlite:///:memory:"))}
if "sqlite" in DATABASES["default"]["ENGINE"]:
    # A file, because an in-memory database has one connection and so nothing to race.
    _folder = tempfile.TemporaryDirectory(prefix="billing_webhooks_")
    DATABASES["default"]["TEST"] = {"NAME": f"{_folder.name}/test.sqlite3"}

SECRET_KEY = "for tests only"
USE_TZ = True
TIME_ZONE = "Europe/Vienna"
ROOT_URLCONF = "tests.urls"
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "billing_webhooks",
    "billing_webhooks.metrics",
    "tests",
]
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
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# What a thread writes now and then no test would wait for, but those that are about it.
BILLING_WEBHOOKS_REFUSALS_KEPT = 0
BILLING_WEBHOOKS_PROVIDERS = {
    "kinde": {
        "BACKEND": "billing_webhooks.providers.kinde.KindeProvider",
        "OPTIONS": {"ISSUER": "https://acme.kinde.com"},
    },
    "billabear": {
        "BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider",
        "OPTIONS": {"SECRETS": ["a-secret-for-the-tests", "the-one-before-it-was-rotated"]},
    },
}
