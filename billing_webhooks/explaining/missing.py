"""What is missing, or may yet change the answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from django.db.models import Count, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing_webhooks.explaining.telling import time_shown
from billing_webhooks.models import Customer, Plan, PlanIdentity, WebhookEvent
from billing_webhooks.models.answers import Decided

State = WebhookEvent.State

# What events of a customer are kept in order by: its own name, or its organisation's.
SUBJECTS = {"customer": "external_id", "organization": "organization_code"}


def waiting_of(customers: Sequence[Customer]) -> dict[Any, Counter[str]]:
    """Return for each customer how many of its events are not applied, by state, in one query."""
    owners = {mailbox: each.pk for each in customers for mailbox in _mailboxes(each)}
    rows = (
        WebhookEvent.objects.filter(
            Q(customer__in=[each.pk for each in customers]) | Q(mailbox__in=owners),
            state__in=[State.PENDING, State.DEAD, State.QUARANTINED],
            applied_at=None,
        )
        .order_by()
        .values_list("customer", "mailbox", "state")
        .annotate(Count("pk"))
    )
    waiting: dict[Any, Counter[str]] = {each.pk: Counter() for each in customers}
    for customer, mailbox, state, count in rows:
        owner = owners.get(mailbox) if customer is None else customer
        if owner in waiting:
            waiting[owner][state] += count
    return waiting


def notes_of_customer(customer: Customer, waiting: Counter[str]) -> Iterator[str]:
    """Yield what is not known of a customer, or not yet."""
    if customer.agreement_cancelled_at is not None and customer.plan_ended_at is None:
        yield _(
            "A cancellation of {time} named no agreement: which one it meant is not known, "
            "and it ended no subscription."
        ).format(time=time_shown(customer.agreement_cancelled_at))
    if waiting:
        counts = ", ".join(
            f"{count} {State(state).label}" for state, count in sorted(waiting.items())
        )
        yield ngettext(
            "It may change: {count} event of the customer is not applied ({counts}).",
            "It may change: {count} events of the customer are not applied ({counts}).",
            waiting.total(),
        ).format(count=waiting.total(), counts=counts)


def notes_of_answer(best: Decided) -> Iterator[str]:
    """Yield why access ends that by itself would not: the customer owes money."""
    since = best.standing.customer_in_arrears_since
    if best.rule.grants and since is not None:
        yield _(
            "The customer owes money since {time}, by news that named no agreement: "
            "access ends with the grace."
        ).format(time=time_shown(since))


def notes_of_plans(plans: Iterable[Plan | str]) -> Iterator[str]:
    """Yield which names no plan has, with the nearest that one has."""
    asked = {plan for plan in plans if isinstance(plan, str)}
    unknown = asked - _known(asked)
    names = _names() if unknown else []
    for name in sorted(unknown):
        near = _near(name, names)
        if near:
            yield _('No plan is called "{name}". There is: {names}.').format(
                name=name, names=", ".join(near)
            )
        else:
            yield _('No plan is called "{name}".').format(name=name)


def _mailboxes(customer: Customer) -> list[str]:
    names = {subject: getattr(customer, field) for subject, field in SUBJECTS.items()}
    return [f"{customer.provider}:{subject}:{name}" for subject, name in names.items() if name]


def _known(asked: Iterable[str]) -> set[str]:
    return {name for name in asked if Plan.objects.called(name).exists()}


def _names() -> list[str]:
    plans = Plan.objects.values_list("code", "external_id")
    identities = PlanIdentity.objects.values_list("value", flat=True)
    return sorted({*identities, *(name for names in plans for name in names)} - {""})


def _near(name: str, names: Iterable[str]) -> list[str]:
    """Return the names that look like it, whatever their case."""
    by_folded: dict[str, list[str]] = {}
    for each in names:
        by_folded.setdefault(each.casefold(), []).append(each)
    folded = get_close_matches(name.casefold(), by_folded)
    return [each for fold in folded for each in by_folded[fold]]
