"""What the app itself has to remember to run."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing_webhooks.models.fields import ExactCharField


class Heartbeat(models.Model):
    """When something that has to run now and then last ran."""

    name = models.CharField(_("name"), max_length=50, primary_key=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return self.name


class KeptText(models.Model):
    """
    What a provider keeps for all processes and across restarts, such as its key set.

    `claimed_at` is when a process last took it upon itself to renew it.
    """

    name = ExactCharField(_("name"), max_length=100, primary_key=True)
    text = models.TextField(_("text"), blank=True)
    claimed_at = models.DateTimeField(_("claimed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("kept text")
        verbose_name_plural = _("kept texts")

    def __str__(self) -> str:
        return self.name


class RefusalCount(models.Model):
    """How many deliveries to an alias were refused on one day (in UTC), by the reason."""

    provider = ExactCharField(_("provider"), max_length=64)
    reason = ExactCharField(_("reason"), max_length=64)
    day = models.DateField(_("day"))
    count = models.PositiveBigIntegerField(_("count"), default=0)
    last_at = models.DateTimeField(_("last at"))

    class Meta:
        verbose_name = _("refusal count")
        verbose_name_plural = _("refusal counts")
        ordering = ["-day", "provider", "reason"]
        constraints = [
            models.UniqueConstraint(
                fields=["day", "provider", "reason"], name="billing_refusal_count_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.reason} {self.day}"


class Refusal(models.Model):
    """
    One of the latest deliveries that were refused; never what it said.

    `size` is the length of the body as announced, None where none was. Only the latest
    are kept, and of many at once not every one.
    """

    provider = ExactCharField(_("provider"), max_length=64)
    reason = ExactCharField(_("reason"), max_length=64)
    at = models.DateTimeField(_("at"))
    remote_address = models.CharField(_("remote address"), max_length=64, blank=True)
    size = models.PositiveBigIntegerField(_("size in bytes"), null=True, blank=True)

    class Meta:
        verbose_name = _("refusal")
        verbose_name_plural = _("refusals")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.provider} {self.reason}"
