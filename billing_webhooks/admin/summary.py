"""An event in one sentence: what it says, who said so, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing_webhooks.admin.rendering import visible
from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.models.keyset import Keyset
from billing_webhooks.providers import get_provider

State, Outcome = WebhookEvent.State, WebhookEvent.Outcome


def summary(event: WebhookEvent, about: str) -> SafeString:
    """Return what an event is; `about` is a link to its customer, "" if it has none."""
    said = _("{provider} said so about {customer}.") if about else _("{provider} said so.")
    source = format_html(said, provider=visible(event.provider), customer=about)
    return format_html("<strong>{}</strong> {} {}", meaning(event), source, became(event))


def meaning(event: WebhookEvent) -> str:
    """Return what an event of this type says, in a sentence."""
    if event.state == State.QUARANTINED:
        return _("Something that cannot be read as an event.")
    try:
        meanings: Mapping[str, Any] = get_provider(event.provider).meanings
    except Exception:
        # The alias may be configured no more, or wrongly.
        meanings = {}
    if event.event_type in meanings:
        return str(meanings[event.event_type])
    return _("An event of the type %(type)s.") % {"type": visible(event.event_type)}


def became(event: WebhookEvent) -> str:
    """Return what became of an event, in a sentence or two."""
    if event.state == State.QUARANTINED:
        return _("It is proven, so it is kept, but nothing was done with it.")
    applied = _applied(event) if event.applied_at is not None or _is_over(event) else ""
    return " ".join(filter(None, [applied, STANDING[State(event.state)](event)]))


def _is_over(event: WebhookEvent) -> bool:
    return event.state == State.PROCESSED


def _applied(event: WebhookEvent) -> str:
    return {
        Outcome.APPLIED.value: _("It was applied."),
        Outcome.SUPERSEDED.value: _("It changed nothing: newer news had already arrived."),
        Outcome.NO_EFFECT.value: _("It changed nothing: all of it was known."),
        Outcome.UNHANDLED.value: _("This version does nothing by itself with this type."),
    }.get(event.outcome, "")


def _pending(event: WebhookEvent) -> str:
    if failed := _failed(event):
        text = ngettext(
            "%(count)d receiver has failed and is tried again.",
            "%(count)d receivers have failed and are tried again.",
            failed,
        )
        return text % {"count": failed}
    return _("It failed, and is tried again.") if event.last_error else _("It waits for its turn.")


def _dead(event: WebhookEvent) -> str:
    tried = ngettext(
        "It was given up after %(count)d attempt.",
        "It was given up after %(count)d attempts.",
        event.attempts,
    )
    told = tried % {"count": event.attempts}
    if failed := _failed(event):
        text = ngettext(
            "%(count)d receiver has not succeeded.",
            "%(count)d receivers have not succeeded.",
            failed,
        )
        told = f"{told} {text % {'count': failed}}"
    return told


def _processed(event: WebhookEvent) -> str:
    runs = event.runs.count()
    if not runs:
        return ""
    text = ngettext("Its receiver has run.", "All its %(count)d receivers have run.", runs)
    return text % {"count": runs}


def _failed(event: WebhookEvent) -> int:
    return event.runs.exclude(state=ReceiverRun.State.SUCCEEDED).count()


STANDING: Mapping[WebhookEvent.State, Callable[[WebhookEvent], str]] = {
    State.PENDING: _pending,
    State.DEAD: _dead,
    State.PROCESSED: _processed,
}


def neighbour(event: WebhookEvent, step: int) -> WebhookEvent | None:
    """Return the event of the same customer that was received next, or with -1 the one before."""
    if event.customer_id is None:
        return None
    newest_first = Keyset(WebhookEvent, ("-received_at", "-id"))
    order = newest_first if step < 0 else newest_first.reversed()
    events = WebhookEvent._default_manager.filter(customer=event.customer_id)
    place = event.received_at, event.pk
    found = order.read(events.only("event_type", "received_at"), 1, after=place)
    return found[0] if found else None
