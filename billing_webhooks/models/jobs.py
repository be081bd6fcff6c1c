"""What people in the admin have asked for, and how far it has come."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing_webhooks.models.fields import ExactCharField
from billing_webhooks.models.inbox import time_ordered_uuid
from billing_webhooks.models.indexes import PartialIndex

# Actions whose results repeat what rows say.
REPORTS = ("preview",)


class Job(models.Model):
    """
    One action on a number of rows, worked part by part; it stays as the record of who did what.

    The row is the queue: each part commits together with `done`, so a job whose process
    dies goes on where it was. `keys` are of the rows it is for, as text; they are emptied when
    it is over. `arguments` and `result` depend on the action.
    """

    class State(models.TextChoices):
        OPEN = "open", _("under way")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    # Given by whoever asks, so that asking twice for the same is one job.
    id = models.UUIDField(_("id"), primary_key=True, default=time_ordered_uuid, editable=False)
    action = ExactCharField(_("action"), max_length=32)
    arguments = models.JSONField(_("arguments"), default=dict, blank=True)
    keys = models.JSONField(_("keys"), default=list, blank=True)
    total = models.PositiveIntegerField(_("total"))
    done = models.PositiveIntegerField(_("done"), default=0)
    # Of the part that comes next; counted before it is tried.
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.OPEN)
    result = models.JSONField(_("result"), default=dict, blank=True)
    last_error = models.TextField(_("last error"), blank=True)
    # By name and key: users may be in another database, and may be deleted.
    asked_by = models.CharField(_("asked by"), max_length=255, blank=True)
    asked_by_key = ExactCharField(_("asked by (key)"), max_length=255, blank=True)
    asked_at = models.DateTimeField(_("asked at"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("job")
        verbose_name_plural = _("jobs")
        ordering = ["-id"]
        indexes = [
            PartialIndex(
                fields=["id"],
                name="billing_job_open",
                where=models.Q(state="open"),
                column="state",
            )
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.pk}"
