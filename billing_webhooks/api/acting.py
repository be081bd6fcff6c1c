"""What is done by POST, and what tells afterwards who had it done: as in the admin."""

from __future__ import annotations

import logging
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.utils import translation
from rest_framework import status

# Registers what jobs can be asked for.
from billing_webhooks import jobs, operating  # noqa: F401
from billing_webhooks.api.problems import Code, Refusal
from billing_webhooks.exceptions import BillingWebhooksError
from billing_webhooks.models import Job, WebhookEvent
from billing_webhooks.models.inbox import time_ordered_uuid

logger = logging.getLogger(__name__)


class JobFailed(BillingWebhooksError):
    """What was asked for ended with an error, which the log has and the job names."""


def act(user: Any, action: str, event: WebhookEvent) -> None:
    """
    Have an action done for an event: a job, which goes on after a crash and stays as a record.

    Raise Refusal with the reason if the event is not such that it can be done.
    """
    # A program is told in English, whatever language the request asks for.
    with translation.override(None):
        job, _ = jobs.ask(time_ordered_uuid(), action, [event.pk], asked_by=user)
    logger.info("User %s asked for %s of event %s: job %s.", user.pk, action, event.pk, job.pk)
    _note(user, action, event)
    job = jobs.work(job.pk)
    if job.state == Job.State.FAILED:
        raise JobFailed(f"Job {job.pk} failed: {job.last_error}")
    if refused := job.result.get("refused"):
        raise _refusal(*refused, *job.result["codes"])


def _refusal(detail: str, reason: str) -> Refusal:
    return Refusal(Code.NOT_POSSIBLE, detail, reason=reason, status_code=status.HTTP_409_CONFLICT)


def _note(user: Any, action: str, event: WebhookEvent) -> None:
    """Note it in the history that the admin shows of the event, where there is an admin."""
    if not apps.is_installed("django.contrib.admin") or not isinstance(user, get_user_model()):
        return
    from django.contrib.admin.models import CHANGE, LogEntry

    told = f"{action.capitalize()}, by the API"
    LogEntry.objects.log_actions(user.pk, [event], CHANGE, told, single_object=True)
