"""What an explanation holds, and how it is told to a person and to a program."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import Choices
from django.utils import timezone
from django.utils.translation import gettext as _

from billing_webhooks.facts import Collection, Lifecycle, SubscriptionStatus


@dataclass(frozen=True)
class EventTold:
    """An event, by the provider's own id where it has one, else by ours."""

    id: str
    event_type: str
    external_id: str
    occurred_at: datetime
    received_at: datetime

    def __str__(self) -> str:
        return _("{type} {id}, occurred {occurred}, arrived {arrived}").format(
            type=self.event_type,
            id=self.external_id or self.id,
            occurred=time_shown(self.occurred_at),
            arrived=time_shown(self.received_at),
        )


@dataclass(frozen=True)
class RegisterTold:
    """What was last said of one thing, when, and by which event, None if it is gone."""

    name: str
    value: Any
    said_at: datetime | None
    event: EventTold | None

    def __str__(self) -> str:
        source = _("an event that is not kept any more") if self.event is None else str(self.event)
        return f"{self.label}: {self.words}  <- {source}"

    @property
    def label(self) -> str:
        """What it is about, in words."""
        return _label(self.name)

    @property
    def words(self) -> str:
        """What was said of it, as people read it."""
        return _value(self.name, self.value)


@dataclass(frozen=True)
class RuleTold:
    """The rule that decided about a subscription or plan, in words, and the dates it read."""

    code: str
    granted: bool
    words: str
    until: datetime | None
    dates: dict[str, datetime]

    def __str__(self) -> str:
        dates = [f"{_label(name)} {time_shown(at)}" for name, at in self.dates.items()]
        if self.until is not None:
            dates.append(_("access until {time}").format(time=time_shown(self.until)))
        verdict = _("Yes: {reason}") if self.granted else _("No: {reason}")
        told = verdict.format(reason=self.words)
        return f"{told} ({'; '.join(dates)})" if dates else told

    @property
    def labelled_dates(self) -> list[tuple[str, datetime]]:
        """The dates it read, each with what it is in words."""
        return [(_label(name), at) for name, at in self.dates.items()]


@dataclass(frozen=True)
class SubscriptionTold:
    id: Any
    external_id: str
    plan: str
    is_asked_for: bool
    status: str
    provider_status: str
    rule: RuleTold
    registers: tuple[RegisterTold, ...]

    def lines(self) -> Iterator[str]:
        said = f" ({self.provider_status})" if self.provider_status else ""
        yield _("Subscription #{id} {external_id}: plan {plan}, {status}").format(
            id=self.id,
            external_id=self.external_id,
            plan=self.plan or _("unknown"),
            status=f"{self.status}{said}",
        )
        yield f"  {self.rule}"
        yield from (f"  {register}" for register in self.registers)


@dataclass(frozen=True)
class CustomerTold:
    """
    A customer with its subscriptions, and the plan it has beside them, if any.

    `linked_at` and `linked_by` (a resolver, "" by hand) tell how it is the user's.
    """

    id: Any
    provider: str
    external_id: str
    organization_code: str
    email: str
    is_disabled: bool
    linked_at: datetime | None
    linked_by: str
    plan: str
    rule: RuleTold
    registers: tuple[RegisterTold, ...]
    subscriptions: tuple[SubscriptionTold, ...]
    notes: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        yield _("Customer #{id} of {provider}: {names}").format(
            id=self.id, provider=self.provider, names=", ".join(self._names())
        )
        yield from (f"  {line}" for line in self._lines())

    def _names(self) -> Iterator[str]:
        yield from (name for name in (self.external_id, self.organization_code, self.email) if name)
        if self.is_disabled:
            yield _("disabled")

    def _lines(self) -> Iterator[str]:
        if self.linked_at is not None:
            yield _("linked {time} by {who}").format(
                time=time_shown(self.linked_at), who=self.linked_by or _("hand")
            )
        if self.plan:
            yield _("The customer itself: plan {plan}").format(plan=self.plan)
            if self.rule.code != "nothing":
                yield f"  {self.rule}"
        yield from (f"  {register}" for register in self.registers)
        for subscription in self.subscriptions:
            yield from subscription.lines()
        yield from self.notes


@dataclass(frozen=True)
class Explanation:
    """
    Whether somebody may use any of some plans, or anything, and why; true if so.

    `str()` of it is plain text for people, `as_dict()` the same for programs, in values
    that JSON has. Texts are in the language that was active when it was made.
    """

    who: str
    plans: tuple[str, ...]
    at: datetime
    granted: bool
    rule: str
    reason: str
    until: datetime | None
    subscription_id: Any
    customer_id: Any
    customers: tuple[CustomerTold, ...]
    notes: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.granted

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def as_dict(self) -> dict[str, Any]:
        """Return everything as dicts, lists, text, numbers and None; times in ISO format."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain

    def _lines(self) -> Iterator[str]:
        yield self.verdict
        because = self.reason
        if self.until is not None:
            until = _("Access until {time}.").format(time=time_shown(self.until))
            because = f"{because} {until}"
        yield because
        yield from self.notes
        for customer in self.customers:
            yield ""
            yield from customer.lines()

    @property
    def verdict(self) -> str:
        """The answer in one sentence, which begins with yes or no."""
        if not self.plans:
            what = _("Yes: {who} has access.") if self.granted else _("No: {who} has no access.")
            return what.format(who=self.who)
        what = (
            _("Yes: {who} may use {plans}.")
            if self.granted
            else _("No: {who} may not use {plans}.")
        )
        return what.format(who=self.who, plans=_(" or ").join(self.plans))


def _labels() -> dict[str, str]:
    return {
        "plan_key": _("plan"),
        "lifecycle": _("agreement"),
        "collection": _("money"),
        "said_status": _("status as the provider says it"),
        "said_active": _("active for the provider"),
        "provider_status": _("the provider's own word"),
        "ending": _("cancelled at"),
        "is_disabled": _("disabled"),
        "agreement_cancelled_at": _("an agreement was cancelled at"),
        "current_period_end": _("period ends"),
        "in_arrears_since": _("in arrears since"),
        "customer_in_arrears_since": _("customer in arrears since"),
        "cancelled_at": _("cancelled at"),
        "plan_ended_at": _("plan ended at"),
        "started_at": _("started at"),
        "owed": _("money owed"),
        "cancelled": _("cancelled at"),
    }


# Registers whose values are words of ours.
WORDS: Mapping[str, type[Choices]] = {
    "lifecycle": Lifecycle,
    "collection": Collection,
    "owed": Collection,
    "said_status": SubscriptionStatus,
}


def _kind(name: str) -> str:
    # Of some registers there are several, told apart by what follows.
    return name.partition(" ")[0]


def _label(name: str) -> str:
    kind = _kind(name)
    return _labels().get(kind, kind.replace("_", " "))


def _value(name: str, value: Any) -> str:
    """Return a register's value for people: a name without its kind, a time as they read it."""
    words = WORDS.get(_kind(name))
    if words is not None and value in words.values:
        return str(words(value).label)
    if isinstance(value, list):
        return str(value[-1])
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    try:
        return time_shown(datetime.fromisoformat(value)) if "T" in value else value
    except (TypeError, ValueError):
        return str(value)


def time_shown(moment: datetime) -> str:
    """Return a time in the project's time zone."""
    local = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    return local.isoformat(" ", "seconds")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, datetime):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int | float) else str(value)
