"""
What users may use, through all customers they are linked to, of whatever provider.

It is about what was paid, not about who may sign in: a user who is not active has what
was paid for all the same.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db import router
from django.db.models import QuerySet

from billing_webhooks.models import Customer, CustomerLink, Plan
from billing_webhooks.models.access import NO_USER
from billing_webhooks.models.answers import Answer, Decided, answer, any_answer
from billing_webhooks.models.querysets import CustomerQuerySet, names_and_keys

User = AbstractBaseUser | AnonymousUser


class Billing:
    """What one user has; nobody, and who is not saved yet, has nothing."""

    def __init__(self, user: User | None) -> None:
        self.user = user

    def __repr__(self) -> str:
        return f"<Billing of {self.user!r}>"

    @property
    def customers(self) -> CustomerQuerySet[Customer]:
        """The customers that are linked to the user."""
        if self._is_nobody:
            return Customer.objects.none()
        return Customer.objects.filter(links__user=self._key)

    def has_plan(self, *plans: Plan | str, at: datetime | None = None) -> Answer:
        """Return whether the user may use any of these plans; see `Customer.has_plan`."""
        if self._is_nobody:
            names_and_keys(plans)
            return Answer(Decided(NO_USER))
        return answer(self.customers, *plans, at=at)

    def has_active_subscription(self, at: datetime | None = None) -> Answer:
        """Return whether anything grants access; see `Customer.has_active_subscription`."""
        if self._is_nobody:
            return Answer(Decided(NO_USER))
        return any_answer(self.customers, at=at)

    @property
    def _key(self) -> Any:
        return getattr(self.user, "pk", None)

    @property
    def _is_nobody(self) -> bool:
        return self._key is None


def billing_of(user: User | None) -> Billing:
    """Return what a user has: `.customers`, `.has_plan(…)`, `.has_active_subscription()`."""
    return Billing(user)


def has_plan(who: User | Customer | None, *plans: Plan | str, at: datetime | None = None) -> Answer:
    """Return whether a user or customer may use any of these plans."""
    if isinstance(who, Customer):
        return who.has_plan(*plans, at=at)
    return billing_of(who).has_plan(*plans, at=at)


def users_with_plan(*plans: Plan | str, at: datetime | None = None) -> QuerySet[Any]:
    """
    Return the users who may use any of these plans, inactive ones too.

    One statement, where users and billing are in one database; otherwise their keys are
    fetched at once.
    """
    users = get_user_model()._default_manager.all()
    customers = Customer.objects.having_plan(*plans, at=at)
    keys = CustomerLink.objects.filter(customer__in=customers.values("pk")).values("user")
    if router.db_for_read(users.model) != router.db_for_read(CustomerLink):
        return users.filter(pk__in=list(keys.values_list("user", flat=True)))
    return users.filter(pk__in=keys)
