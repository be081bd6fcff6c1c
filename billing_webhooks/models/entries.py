"""Payments, invoices and usage: what happened, as opposed to what lasts."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing_webhooks import facts, wording
from billing_webhooks.facts import AmountUnit, InvoiceStatus, PaymentStatus
from billing_webhooks.models.billing import BillingRow, Subscription
from billing_webhooks.models.customers import Customer
from billing_webhooks.models.fields import ExactCharField
from billing_webhooks.models.usage import UsageRecords


class Entry(BillingRow):
    """
    A thing that happened, as opposed to one that lasts.

    `identity` is the provider's id, or the event's where the provider gives none.
    """

    identity = ExactCharField(_("identity"), max_length=300, editable=False)
    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, null=True, blank=True
    )
    subscription = models.ForeignKey(
        Subscription,
        verbose_name=_("subscription"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
    )
    occurred_at = models.DateTimeField(_("occurred at"))

    class Meta:
        abstract = True
        default_related_name = "%(class)ss"
        constraints = [
            models.UniqueConstraint(
                fields=["identity", "provider"], name="billing_%(class)s_unique"
            )
        ]


@dataclass(frozen=True)
class Money(facts.Money):
    """An amount as it was sent; its text states unit and currency, or that they are unknown."""

    def __str__(self) -> str:
        return wording.money(self.amount, self.unit, self.currency)


class MoneyEntry(Entry):
    """An entry about money: the amount as it was sent, with what is known of its unit."""

    external_id = ExactCharField(_("provider's id"), max_length=255, blank=True)
    amount = models.DecimalField(
        _("amount"), max_digits=24, decimal_places=6, null=True, blank=True
    )
    amount_unit = models.CharField(
        _("unit of the amount"), max_length=16, choices=AmountUnit, default=AmountUnit.UNKNOWN
    )
    currency = models.CharField(_("currency"), max_length=16, null=True, blank=True)  # noqa: DJ001

    class Meta(Entry.Meta):
        abstract = True

    @property
    def money(self) -> Money | None:
        """The amount with what is known of its unit, never converted; None if none was sent."""
        if self.amount is None:
            return None
        return Money(self.amount, AmountUnit(self.amount_unit), self.currency)


class Payment(MoneyEntry):
    """A payment, or a failed attempt at one."""

    Status = PaymentStatus

    status = models.CharField(_("status"), max_length=16, choices=PaymentStatus)

    class Meta(MoneyEntry.Meta):
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        indexes = [
            models.Index(fields=["provider", "-id"], name="billing_payment_provider"),
            models.Index(fields=["status", "-id"], name="billing_payment_status"),
            models.Index(fields=["updated_at", "id"], name="billing_payment_updated"),
        ]

    def __str__(self) -> str:
        return wording.printable(self.external_id or self.identity)


class Invoice(MoneyEntry):
    """An invoice that was reported overdue, or paid after that."""

    Status = InvoiceStatus

    status = models.CharField(_("status"), max_length=16, choices=InvoiceStatus)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)

    class Meta(MoneyEntry.Meta):
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        indexes = [
            models.Index(fields=["provider", "-id"], name="billing_invoice_provider"),
            models.Index(fields=["status", "-id"], name="billing_invoice_status"),
            models.Index(fields=["due_at", "id"], name="billing_invoice_due"),
        ]

    def __str__(self) -> str:
        return wording.printable(self.external_id or self.identity)


class UsageRecord(Entry):
    """One reading of a customer's meter."""

    meter = ExactCharField(_("meter"), max_length=255, blank=True)
    quantity = models.DecimalField(
        _("quantity"), max_digits=24, decimal_places=6, null=True, blank=True
    )

    objects = UsageRecords.as_manager()

    class Meta(Entry.Meta):
        verbose_name = _("usage record")
        verbose_name_plural = _("usage records")
        default_related_name = "usage_records"
        indexes = [
            models.Index(fields=["customer", "meter", "occurred_at"], name="billing_usage_series"),
            models.Index(fields=["provider", "-id"], name="billing_usage_provider"),
            models.Index(fields=["updated_at", "id"], name="billing_usage_updated"),
        ]

    def __str__(self) -> str:
        quantity = "?" if self.quantity is None else f"{self.quantity.normalize():f}"
        return wording.printable(f"{self.meter}: {quantity}")
