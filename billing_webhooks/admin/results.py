"""What came of a job, in sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing_webhooks.admin.rendering import visible
from billing_webhooks.models import Job


def _replayed(count: int) -> str:
    return ngettext("%d event is worked once more.", "%d events are worked once more.", count)


def _run_again(count: int) -> str:
    return ngettext("%d receiver is run again.", "%d receivers are run again.", count)


def _released(count: int) -> str:
    return ngettext(
        "%d event was released from quarantine.", "%d events were released from quarantine.", count
    )


def _retried(count: int) -> str:
    return ngettext("%d event is tried at once.", "%d events are tried at once.", count)


def _given_up(count: int) -> str:
    return ngettext("%d event was given up.", "%d events were given up.", count)


def _previewed(count: int) -> str:
    return ngettext("%d event would be replayed.", "%d events would be replayed.", count)


def _erased(count: int) -> str:
    return ngettext("%d customer was erased.", "%d customers were erased.", count)


DONE: Mapping[str, Callable[[int], str]] = {
    "replay": _replayed,
    "replay_receiver": _replayed,
    "run_again": _run_again,
    "release": _released,
    "retry": _retried,
    "give_up": _given_up,
    "preview": _previewed,
    "erase": _erased,
}


def told(job: Job) -> Iterator[tuple[int, str]]:
    """Yield what is to be said of a job, each with its level of Django's messages."""
    if job.state == Job.State.FAILED:
        yield (
            messages.ERROR,
            _("It failed (%(error)s); the log says more.") % {"error": job.last_error},
        )
    done = job.result.get("done", 0)
    if done and job.action in DONE:
        yield messages.SUCCESS, DONE[job.action](done) % done
    for reason, count in job.result.get("refused", {}).items():
        text = ngettext(
            "%(count)d was left out: %(why)s", "%(count)d were left out: %(why)s", count
        )
        yield messages.WARNING, text % {"count": count, "why": visible(reason)}
