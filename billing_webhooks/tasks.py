"""
What Celery runs, found by its autodiscovery; needs the extra `celery`.

A task carries a key, never a payload: what is to be done stands in the database, so a
task that is lost, repeated or late does no harm.
"""

from __future__ import annotations

from celery import shared_task

from billing_webhooks import processing, pruning, sweeping


# Acknowledged late, and refused when the pool loses its process, a wake-up is delivered
# again after a crash: with Redis after its visibility timeout, an hour by default. The
# sweep does not wait for that.
@shared_task(
    name="billing_webhooks.work", ignore_result=True, acks_late=True, reject_on_worker_lost=True
)
def work(mailbox: str) -> None:
    """Work off the due events of a mailbox."""
    processing.work(mailbox)


@shared_task(name="billing_webhooks.sweep", ignore_result=True)
def sweep() -> None:
    """Work off everything that is due."""
    sweeping.sweep()


@shared_task(name="billing_webhooks.prune", ignore_result=True)
def prune() -> None:
    """Drop the contents of events that are older than BILLING_WEBHOOKS_RETENTION."""
    pruning.prune()
