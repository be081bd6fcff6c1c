"""What receivers have done."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing_webhooks.models.fields import ExactCharField
from billing_webhooks.models.inbox import WebhookEvent
from billing_webhooks.models.indexes import PartialIndex


class ReceiverRun(models.Model):
    """
    One receiver's work on one notification of an event.

    Success is committed together with the receiver's own writes, so it never runs
    again for the same event.
    """

    class State(models.TextChoices):
        STARTED = "started", _("started")
        SUCCEEDED = "succeeded", _("succeeded")
        FAILED = "failed", _("failed")
        GIVEN_UP = "given_up", _("given up")

    event = models.ForeignKey(
        WebhookEvent, verbose_name=_("event"), on_delete=models.CASCADE, related_name="runs"
    )
    signal = ExactCharField(_("signal"), max_length=100)
    # Which of several objects of one event the notification is about, "" for the event.
    subject = ExactCharField(_("subject"), max_length=64, blank=True)
    receiver = ExactCharField(_("receiver"), max_length=255)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.STARTED)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    duration = models.DurationField(_("duration"), null=True, blank=True)
    last_error = models.TextField(_("last error"), blank=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("receiver run")
        verbose_name_plural = _("receiver runs")
        ordering = ["event", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["event", "signal", "subject", "receiver"], name="billing_run_unique"
            )
        ]
        indexes = [
            PartialIndex(
                fields=["-updated_at", "-id", "state"],
                name="billing_run_unsucceeded",
                where=~models.Q(state="succeeded"),
                column="state",
            )
        ]

    def __str__(self) -> str:
        return f"{self.receiver} ({self.signal})"
