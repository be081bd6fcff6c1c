"""Receivers that count in tables; now and then one fails after it has counted."""

from __future__ import annotations

import os
import random
import time
from typing import Any

from django.dispatch import receiver

from billing_webhooks.models import Payment, WebhookEvent
from billing_webhooks.signals import event_processed, payment_succeeded
from tests.chaos.project.models import Call, Tally

# Time for another worker to come between, and for a kill to hit.
PAUSE_SECONDS = float(os.environ["CHAOS_PAUSE_SECONDS"])
FAILURES_IN_100 = int(os.environ["CHAOS_FAILURES_IN_100"])


class BadDay(Exception):
    """What the receiver had done is taken back, and it is called again later."""


def fail_now_and_then() -> None:
    if random.randrange(100) < FAILURES_IN_100:
        raise BadDay


@receiver(event_processed)
def note_event(event: WebhookEvent, **kwargs: Any) -> None:
    Call.objects.create(event_id=event.pk, signal="event_processed")
    fail_now_and_then()


@receiver(payment_succeeded)
def note_payment(event: WebhookEvent, payment: Payment, **kwargs: Any) -> None:
    Call.objects.create(event_id=event.pk, signal="payment_succeeded", subject=str(payment.pk))
    fail_now_and_then()


@receiver(event_processed)
def tally(event: WebhookEvent, **kwargs: Any) -> None:
    """Count by reading, adding and writing: right only if one mailbox has one worker."""
    mailbox, _ = Tally.objects.get_or_create(mailbox=event.mailbox)
    time.sleep(PAUSE_SECONDS)
    mailbox.count += 1
    mailbox.save()
