"""The settings of the other benchmarks, with the admin and what machines ask."""

from benchmarks.settings import *  # noqa: F403
from benchmarks.settings import INSTALLED_APPS as APPS

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.staticfiles",
    "billing_webhooks.metrics",
    *APPS,
]
ROOT_URLCONF = "benchmarks.large.urls"
STATIC_URL = "static/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
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
