"""Two databases, or one if APART says no."""

import os

SQLITE = {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}
DATABASES = {"default": SQLITE}
if os.environ["APART"] == "yes":
    DATABASES["billing"] = {**SQLITE}
    DATABASE_ROUTERS = ["tests.access.apart.routing.Router"]

SECRET_KEY = "for tests only"
USE_TZ = True
AUTH_USER_MODEL = "apart.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "billing_webhooks",
    "tests.access.apart",
]
BILLING_WEBHOOKS_PROVIDERS = {
    "kinde": {
        "BACKEND": "billing_webhooks.providers.kinde.KindeProvider",
        "OPTIONS": {"ISSUER": "https://acme.kinde.com"},
    }
}
