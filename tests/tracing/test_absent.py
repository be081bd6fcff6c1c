"""Without OpenTelemetry, or with its API alone, all goes on as if nobody had ever traced."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.once import on_one_database
from tests.servers.program import ROOT

on_one_database()

PROGRAM = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))
import django
django.setup()
from django.core.management import call_command
from django.test import Client
from billing_webhooks import attempts, intake, processing, spans, storing, tracing
from billing_webhooks.models import WebhookEvent
from billing_webhooks.replaying import replay
from billing_webhooks.signals import event_processed
from billing_webhooks.sweeping import sweep
from billing_webhooks.testing import billabear_body
from tests.conftest import SECRET, basic, make_due

def fail(**kwargs):
    raise OSError

call_command("migrate", verbosity=0)
headers = {"Authorization": basic(SECRET)}
for number in range(3):
    customer = {"id": f"0b1e5c1e-0000-4000-8000-00000000000{number}"}
    body = billabear_body("customer_created", customer=customer)
    print(Client().post("/webhooks/billabear", body, "text/plain", headers=headers).status_code)
    event_processed.connect(fail, weak=False, dispatch_uid="fail")
event_processed.disconnect(dispatch_uid="fail")
make_due()
sweep()
replay(WebhookEvent.objects.all())
print(*WebhookEvent.objects.values_list("state", "replays", "traceparent"))
print(any(hasattr(f, "__wrapped__") for f in (intake.accept, storing.store, processing._apply)))
event = WebhookEvent.objects.first()
run = event.runs.model(event=event)
made = [tracing.attempt(event), tracing.batch("shop", []), tracing.receiver(run)]
print(all(each is spans.NOTHING for each in made))
"""


@pytest.mark.parametrize(
    ("missing", "is_wrapped"),
    [
        (["opentelemetry"], "False"),
        (["opentelemetry.trace"], "False"),
        (["opentelemetry.sdk"], "True"),
    ],
    ids=["all of it", "the API", "the SDK"],
)
def test_opentelemetry__may_be_missing(missing: list[str], is_wrapped: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *missing],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    events = " ".join(["('processed', 1, '')"] * 3)
    *lines, is_nothing_made = ended.stdout.splitlines()
    assert lines == [*["200"] * 3, events, is_wrapped]
    # Without the API all that a span costs is the question whether there is one.
    assert is_nothing_made == str(is_wrapped == "False")
