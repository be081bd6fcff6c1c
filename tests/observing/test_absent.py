"""A project without the metrics has none of it: no import, no observer, no need of the package."""

from __future__ import annotations

import subprocess
import sys

from tests.once import on_one_database
from tests.played import clean_environment

on_one_database()

WITHOUT = """
import sys
sys.modules["prometheus_client"] = None
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "billing_webhooks"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    ROOT_URLCONF="billing_webhooks.urls",
    SECRET_KEY="x",
    BILLING_WEBHOOKS_PROVIDERS={"shop": {
        "BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider",
        "OPTIONS": {"SECRETS": ["secret"]},
    }},
)
django.setup()
from django.core.management import call_command
from django.test import Client
from billing_webhooks import lifecycle
call_command("migrate", verbosity=0)
body = '{"type": "customer_created", "customer": {"id": "0b1e5c1e-8a4f-4d0e-9a44-6c0b3d6c2f11"}}'
print(Client().post("/shop/secret", body, content_type="text/plain").status_code)
print(lifecycle.is_heard(lifecycle.Name.PROCESSED))
"""


def test_without_prometheus__nobody_listens_where_the_log_is_not_to_tell() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.stdout.split() == ["200", "False"], ended.stderr
