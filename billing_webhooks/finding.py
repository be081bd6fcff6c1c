"""Customers and users by what people call them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Q, QuerySet
from django.db.models.functions import Lower

from billing_webhooks.models import Customer, CustomerIdentity


def customers_called(db: str, term: str, provider: str | None = None) -> list[Customer]:
    """Return the customers with an id, e-mail address or organisation code, or "#" and our key."""
    customers: QuerySet[Customer] = Customer._base_manager.using(db).order_by("pk")
    if provider is not None:
        customers = customers.filter(provider=provider)
    if term.startswith("#"):
        return list(customers.filter(pk=term[1:])) if term[1:].isdecimal() else []
    if not term:
        # Many have no e-mail address.
        return []
    named = CustomerIdentity._base_manager.using(db).filter(value=term).values("row")
    # Not by `iexact`: where ids are told apart by every character, so are addresses.
    address = Q(email=term) | Q(small_email=term.lower())
    found = customers.alias(small_email=Lower("email")).filter(Q(pk__in=named) | address)
    return list(found)


def users_called(term: str) -> list[Any]:
    """Return the users with a name to sign in by, an e-mail address, or a primary key."""
    model = get_user_model()
    called = Q(**{model.USERNAME_FIELD: term})
    email = model.get_email_field_name()
    if _has_field(model, email):
        called |= Q(**{f"{email}__iexact": term})
    with suppress(ValidationError):
        called |= Q(pk=model._meta.pk.to_python(term))
    return list(model._default_manager.filter(called).order_by("pk")) if term else []


def _has_field(model: Any, name: str) -> bool:
    try:
        model._meta.get_field(name)
    except FieldDoesNotExist:
        return False
    return True
