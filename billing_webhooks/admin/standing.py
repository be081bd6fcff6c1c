"""What a customer has, told by `explain`, for the customer's page: nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib.admin.utils import display_for_value
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.base import ReadOnlyAdmin
from billing_webhooks.admin.rendering import EMPTY, MAX_NAME, link_to, table, visible
from billing_webhooks.explaining import Explanation, explain
from billing_webhooks.explaining.telling import (
    CustomerTold,
    EventTold,
    RegisterTold,
    RuleTold,
    SubscriptionTold,
)
from billing_webhooks.models import Customer, Subscription, WebhookEvent
from billing_webhooks.models.access import NOTHING

MAX_CARDS = 20


class PlanQuestion(forms.Form):
    """May the customer use one plan? Asked by the query string, so an answer can be linked to."""

    plan = forms.CharField(
        label=_("Ask for one plan"),
        max_length=255,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": _("its code or id")}),
    )


@dataclass(frozen=True)
class Verdict:
    """An answer in words: yes or no, why, and what else is known of it."""

    granted: bool
    text: str
    reason: str
    until: Any
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Card:
    """A subscription, or the customer by itself, with the rule that decided about it."""

    title: str
    plan: str
    status: str
    provider_status: str
    rule: RuleTold | None
    registers: SafeString | None


def standing_of(admin: ReadOnlyAdmin, request: HttpRequest, customer: Customer) -> dict[str, Any]:
    """Return what the page tells of what a customer has, and of the plan that was asked for."""
    explanation = explain(customer)
    told = next(iter(explanation.customers), None)
    cards = [] if told is None else list(Cards(admin, request).of(told))
    return {
        "verdict": verdict_of(explanation),
        "notes": _visible(told.notes if told else ()),
        "cards": cards[:MAX_CARDS],
        "more": max(0, len(cards) - MAX_CARDS),
        **_asked(request, customer),
    }


def verdict_of(explanation: Explanation) -> Verdict:
    """Return an explanation's answer, without the rows it follows from."""
    return Verdict(
        explanation.granted,
        visible(explanation.verdict),
        explanation.reason,
        explanation.until,
        _visible(explanation.notes),
    )


def _asked(request: HttpRequest, customer: Customer) -> dict[str, Any]:
    form = PlanQuestion(request.GET if "plan" in request.GET else None)
    plan = form.cleaned_data["plan"] if form.is_valid() else None
    return {"form": form, "asked": plan and verdict_of(explain(customer, plan))}


def _visible(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(visible(text) for text in texts)


@dataclass(frozen=True)
class Cards:
    """The cards of a page, of what its viewer may see."""

    admin: ReadOnlyAdmin
    request: HttpRequest

    def of(self, told: CustomerTold) -> Iterator[Card]:
        """Yield the customer by itself, then its subscriptions, what decides first."""
        yield Card(
            gettext("The customer itself"),
            visible(told.plan),
            "",
            "",
            # Of a plan that a subscription is about, the subscription's rule tells.
            None if told.rule.code == NOTHING.code else told.rule,
            self._registers(told.registers),
        )
        if self.admin.shows(self.request, Subscription):
            yield from (self._subscription(each) for each in told.subscriptions)

    def _subscription(self, told: SubscriptionTold) -> Card:
        name = Truncator(visible(told.external_id or f"#{told.id}")).chars(MAX_NAME)
        link = link_to(self.admin.admin_site, Subscription, told.id, name)
        return Card(
            format_html("{} {}", gettext("Subscription"), link),
            visible(told.plan) or gettext("unknown"),
            told.status,
            visible(told.provider_status),
            told.rule,
            self._registers(told.registers),
        )

    def _registers(self, registers: Iterable[RegisterTold]) -> SafeString | None:
        rows = [
            (
                visible(each.label),
                visible(each.words),
                display_for_value(each.said_at, EMPTY),
                self._event(each.event),
            )
            for each in registers
        ]
        headings = (gettext("what"), gettext("value"), gettext("when"), gettext("event"))
        return table(headings, rows) if rows else None

    def _event(self, event: EventTold | None) -> str:
        if event is None:
            return gettext("an event that is not kept any more")
        if not self.admin.shows(self.request, WebhookEvent):
            return EMPTY
        text = f"{event.event_type} {event.external_id}".strip() or event.id
        name = Truncator(visible(text)).chars(2 * MAX_NAME)
        return link_to(self.admin.admin_site, WebhookEvent, event.id, name)
