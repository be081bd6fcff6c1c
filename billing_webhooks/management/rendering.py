"""Values and rows as a terminal shows them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.utils import timezone

from billing_webhooks.differences import Difference, Name
from billing_webhooks.models import Customer
from billing_webhooks.wording import printable

__all__ = ["lines", "printable", "shown", "shown_customer"]


def shown(value: Any) -> str:
    """Return a column's value: a time in the project's time zone, text in quotes."""
    if value is None:
        return "none"
    if isinstance(value, Name):
        return value.removeprefix("id:")
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(" ", "auto")
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return f"'{value}'" if isinstance(value, str) else str(value)


def shown_customer(customer: Customer) -> str:
    """Return a customer's number, name and alias."""
    return printable(f"#{customer.pk} {customer} ({customer.provider})")


def lines(differences: Iterable[Difference], *, old: str, new: str) -> Iterator[str]:
    """
    Yield a line for each row, followed by those of its fields.

    `old` and `new` say what it means that only one of two sides has the row.
    """
    for (model, row), found in groupby(differences, lambda each: (each.model, each.row)):
        fields = list(found)
        notes = [_note(each, old=old, new=new) for each in fields if not each.field]
        yield f"{model} {shown(row)}{''.join(notes)}"
        for each in fields:
            if each.field:
                yield f"  {each.field}: {shown(each.old)} -> {shown(each.new)}"


def _note(row: Difference, *, old: str, new: str) -> str:
    if row.old is None:
        return f" ({new})"
    return f" ({old})" if row.new is None else f" becomes {shown(row.new)}"
