"""Rows as a terminal shows them."""

from __future__ import annotations

from billing_webhooks.differences import lines, shown
from billing_webhooks.models import Customer
from billing_webhooks.wording import printable

__all__ = ["lines", "printable", "shown", "shown_customer"]


def shown_customer(customer: Customer) -> str:
    """Return a customer's number, name and alias."""
    return printable(f"#{customer.pk} {customer} ({customer.provider})")
