"""What can be done with events, and with what receivers made of them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.actions import RowAction
from billing_webhooks.admin.confirming import ReceiverForm
from billing_webhooks.models import ReceiverRun, WebhookEvent

State = WebhookEvent.State


def _is_pending(event: Any) -> bool:
    return bool(event.state == State.PENDING)


def _is_in_quarantine(event: Any) -> bool:
    return bool(event.state == State.QUARANTINED)


def _was_worked(event: Any) -> bool:
    return event.state in {State.PROCESSED, State.DEAD} and event.pruned_at is None


EVENT_ACTIONS = (
    RowAction(
        "preview",
        _("Preview a replay"),
        _(
            "Shows what would change and which receivers would run if these events were worked "
            "once more. It does all of it but calling receivers, and takes it back: nothing is "
            "changed."
        ),
        "preview_webhookevent",
        applies=lambda event: event.pruned_at is None,
        is_report=True,
    ),
    RowAction(
        "replay",
        _("Replay"),
        _(
            "Works these events once more: each is read and applied anew, and told to the "
            "receivers that have not succeeded for it, those that are new included."
        ),
        "replay_webhookevent",
        applies=_was_worked,
    ),
    RowAction(
        "replay_receiver",
        _("Replay for one receiver"),
        _("Calls one receiver for these events, and leaves everything else as it is."),
        "replay_receiver",
        form=ReceiverForm,
        applies=_was_worked,
    ),
    RowAction(
        "retry",
        _("Retry now"),
        _(
            "Tries these pending events at once, whatever they wait for. Their attempts stay "
            "counted."
        ),
        "retry_webhookevent",
        applies=_is_pending,
    ),
    RowAction(
        "give_up",
        _("Give up"),
        _(
            "Tries these pending events no more: they are dead, and what their receivers have "
            "not done stays undone. What was applied stays applied. A replay takes this back."
        ),
        "give_up_webhookevent",
        applies=_is_pending,
    ),
    RowAction(
        "release",
        _("Release from quarantine"),
        _(
            "Reads these events anew, as this version can, and works those that can be "
            "understood. The others stay where they are."
        ),
        "release_webhookevent",
        applies=_is_in_quarantine,
    ),
)

RUN_ACTIONS = (
    RowAction(
        "run_again",
        _("Run again"),
        _(
            "Calls these receivers once more for their events, and no others: at once where the "
            "event is pending, else by a replay for this receiver. Those that have succeeded are "
            "left out."
        ),
        "replay_receiver",
        applies=lambda run: run.state != ReceiverRun.State.SUCCEEDED,
    ),
)
