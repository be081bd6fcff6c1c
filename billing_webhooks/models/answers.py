"""May they use it? One query, and an answer that says why."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import F, QuerySet, Value
from django.utils import timezone
from django.utils.translation import gettext as _

from billing_webhooks.models.access import (
    CUSTOMER_RULES,
    NO_CUSTOMER,
    SUBSCRIPTION_RULES,
    Rule,
    Standing,
)
from billing_webhooks.models.lookups import model_called
from billing_webhooks.models.querysets import names_and_keys

if TYPE_CHECKING:
    from billing_webhooks.models.billing import Plan, Subscription
    from billing_webhooks.models.customers import Customer
    from billing_webhooks.models.querysets import CustomerQuerySet

TABLE = (*SUBSCRIPTION_RULES, *CUSTOMER_RULES)
RULES = {rule.code: rule for rule in TABLE}
PLACES = {rule.code: place for place, rule in enumerate(TABLE)}

# The columns of a standing, as a subscription and as a customer has them.
OF_SUBSCRIPTION: tuple[str | Value, ...] = (
    "in_arrears_since",
    "current_period_end",
    "cancelled_at",
    "customer__in_arrears_since",
    "customer__collection",
    "customer__plan_ended_at",
)
NO_TIME = Value(None, output_field=models.DateTimeField())
OF_CUSTOMER = (NO_TIME, NO_TIME, NO_TIME, "in_arrears_since", "collection", "plan_ended_at")


@dataclass(frozen=True)
class Decided:
    """What the rules say of one subscription, or of a customer by itself; rows by their keys."""

    rule: Rule
    customer_id: Any = None
    subscription_id: Any = None
    plan_id: Any = None
    standing: Standing = field(default_factory=Standing)

    @property
    def until(self) -> datetime | None:
        return self.rule.until(self.standing)

    @property
    def rank(self) -> tuple[Any, ...]:
        """What sorts before all others is the answer: the firmest, the longest, the newest."""
        until = self.until
        return (
            self.rule.verdict,
            PLACES.get(self.rule.code, 0),
            until is not None,
            -until.timestamp() if until else 0,
            -(self.subscription_id or 0),
            -(self.customer_id or 0),
        )


@dataclass(frozen=True, repr=False)
class Answer:
    """
    Whether access is granted; true if it is. It says why, also in an assertion that fails.

    `rule` is the code of the rule that decided, and `until` when what it grants ends by
    what is known. The rows are loaded when asked for; their keys are there at once.
    """

    decided: Decided
    using: str | None = None

    def __bool__(self) -> bool:
        return self.granted

    def __str__(self) -> str:
        verdict = _("Yes: {reason}") if self.granted else _("No: {reason}")
        return verdict.format(reason=self.reason)

    def __repr__(self) -> str:
        keys = [
            f"{name}={key}"
            for name, key in (
                ("customer", self.customer_id),
                ("subscription", self.subscription_id),
                ("plan", self.plan_id),
                ("until", self.until and self.until.isoformat()),
            )
            if key is not None
        ]
        return f"<Answer {' '.join([self.rule, *keys])}: {self}>"

    @property
    def granted(self) -> bool:
        return self.decided.rule.grants

    @property
    def rule(self) -> str:
        return self.decided.rule.code

    @property
    def reason(self) -> str:
        """The rule in words, translated now."""
        return str(self.decided.rule.words)

    @property
    def until(self) -> datetime | None:
        return self.decided.until

    @property
    def customer_id(self) -> Any:
        return self.decided.customer_id

    @property
    def subscription_id(self) -> Any:
        return self.decided.subscription_id

    @property
    def plan_id(self) -> Any:
        return self.decided.plan_id

    @cached_property
    def customer(self) -> Customer | None:
        row: Customer | None = self._row("Customer", self.customer_id)
        return row

    @cached_property
    def subscription(self) -> Subscription | None:
        row: Subscription | None = self._row("Subscription", self.subscription_id)
        return row

    @cached_property
    def plan(self) -> Plan | None:
        row: Plan | None = self._row("Plan", self.plan_id)
        return row

    def _row(self, name: str, key: Any) -> Any:
        rows = model_called(name)._base_manager.using(self.using)
        return None if key is None else rows.filter(pk=key).first()


def answer(
    customers: CustomerQuerySet[Customer], *plans: Plan | str, at: datetime | None = None
) -> Answer:
    """
    Return whether any of the customers may use any of the plans, in one query.

    A plan is named as in `Plan.objects.called`. `at` moves the clock of graces and ends;
    it does not bring back earlier states.
    """
    names_and_keys(plans)
    return _best(customers, decided(customers, *plans, at=at))


def any_answer(customers: CustomerQuerySet[Customer], at: datetime | None = None) -> Answer:
    """Return whether anything grants any of the customers access; for the rest see `answer`."""
    return _best(customers, decided(customers, at=at))


def decided(
    customers: CustomerQuerySet[Customer], *plans: Plan | str, at: datetime | None = None
) -> list[Decided]:
    """Return what is decided of each subscription and customer, what is the answer first."""
    moment = timezone.now() if at is None else at
    subscriptions = model_called("Subscription").objects.using(customers.db).with_access(moment)
    if plans:
        subscriptions = subscriptions.of_plan(*plans)
    rows = _columns(
        subscriptions.filter(customer__in=customers.values("pk")),
        ("customer", "pk", "effective_plan", *OF_SUBSCRIPTION),
    ).union(
        _columns(
            customers.with_access(*plans, at=moment),
            ("pk", Value(None, output_field=models.BigAutoField()), "plan", *OF_CUSTOMER),
        ),
        all=True,
    )
    found = [
        Decided(RULES[code], customer, subscription, plan, Standing(*standing))
        for code, customer, subscription, plan, *standing in rows
    ]
    return sorted(found, key=lambda each: each.rank)


def _columns(rows: Any, columns: tuple[str | Value, ...]) -> QuerySet[Any, tuple[Any, ...]]:
    """Return the rule and these columns, by the same names for every table."""
    named = {f"column_{number}": each for number, each in enumerate(columns)}
    expressions = {name: F(each) if isinstance(each, str) else each for name, each in named.items()}
    chosen: QuerySet[Any, tuple[Any, ...]] = (
        rows.order_by().annotate(**expressions).values_list("access_rule", *expressions)
    )
    return chosen


def _best(customers: CustomerQuerySet[Customer], found: list[Decided]) -> Answer:
    return Answer(found[0] if found else Decided(NO_CUSTOMER), customers.db)
