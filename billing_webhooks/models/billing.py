"""
Plans and subscriptions, and what all billing state has in common.

`provider` is the alias under which an account is configured. Rows are written by the
projection alone. `registers` remembers for each field which event last wrote it and
when that event occurred, so that older news never overwrites newer.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from billing_webhooks.facts import SubscriptionStatus
from billing_webhooks.models.fields import ExactCharField
from billing_webhooks.models.querysets import PlanQuerySet, SubscriptionQuerySet
from billing_webhooks.wording import printable


class BillingRow(models.Model):
    """
    What every row of billing state has.

    Unique names and indexes begin with the id, not the alias: people search by an id
    alone, and an alias alone selects nothing.
    """

    provider = ExactCharField(_("provider"), max_length=64)
    registers = models.JSONField(_("registers"), default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        abstract = True


class Plan(BillingRow):
    """
    What is sold. A plan that events have only mentioned has what they mentioned.

    `code` falls back to the provider's id where no event has said it.
    """

    external_id = ExactCharField(_("provider's id"), max_length=255, blank=True)
    code = ExactCharField(_("code"), max_length=255, blank=True)
    name = models.CharField(_("name"), max_length=255, blank=True)
    has_trial = models.BooleanField(_("has trial"), null=True, blank=True)
    trial_days = models.PositiveIntegerField(_("trial days"), null=True, blank=True)
    standalone_trial = models.BooleanField(_("standalone trial"), null=True, blank=True)
    is_deleted = models.BooleanField(_("deleted"), default=False)

    objects = PlanQuerySet.as_manager()

    class Meta:
        verbose_name = _("plan")
        verbose_name_plural = _("plans")
        indexes = [
            models.Index(fields=["code", "provider"], name="billing_plan_code"),
            models.Index(fields=["external_id", "provider"], name="billing_plan_external"),
        ]

    def __str__(self) -> str:
        return printable(self.name or self.code or self.external_id) or f"#{self.pk}"


class Identity(models.Model):
    """
    A name by which a provider refers to a row.

    One row can have several names that arrive in any order. Uniqueness lives here,
    so two workers that meet the same new name cannot make two rows of it.
    """

    provider = ExactCharField(_("provider"), max_length=64)
    kind = models.CharField(_("kind"), max_length=16)
    value = ExactCharField(_("value"), max_length=255)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return printable(f"{self.provider} {self.kind} {self.value}")


class PlanIdentity(Identity):
    row = models.ForeignKey(
        Plan, verbose_name=_("plan"), on_delete=models.CASCADE, related_name="identities"
    )

    class Meta:
        verbose_name = _("plan identity")
        verbose_name_plural = _("plan identities")
        constraints = [
            models.UniqueConstraint(
                fields=["value", "kind", "provider"], name="billing_plan_identity_unique"
            )
        ]


class Subscription(BillingRow):
    """
    An agreement of a customer to pay for a plan.

    `status` is derived, never set: see `projection.derivation`. `provider_status` is the
    provider's own word where it sends one, and `counts_as_active` whether the provider
    holds such a one to be active, null where it does not say. `in_arrears_since` is when
    the first payment failed, or the first invoice was overdue, after the last good news.
    """

    Status = SubscriptionStatus

    external_id = ExactCharField(_("provider's id"), max_length=255)
    customer = models.ForeignKey(
        "billing_webhooks.Customer",
        verbose_name=_("customer"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="subscriptions",
    )
    plan = models.ForeignKey(
        Plan,
        verbose_name=_("plan"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="subscriptions",
    )
    plan_name = models.CharField(_("plan name"), max_length=255, blank=True)
    status = models.CharField(
        _("status"),
        max_length=16,
        choices=SubscriptionStatus,
        default=SubscriptionStatus.UNKNOWN,
    )
    provider_status = models.CharField(_("provider's status"), max_length=255, blank=True)
    counts_as_active = models.BooleanField(_("active for the provider"), null=True, blank=True)
    in_arrears_since = models.DateTimeField(_("in arrears since"), null=True, blank=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    current_period_end = models.DateTimeField(_("current period end"), null=True, blank=True)
    cancelled_at = models.DateTimeField(_("cancelled at"), null=True, blank=True)
    trial_started_at = models.DateTimeField(_("trial started at"), null=True, blank=True)
    trial_ended_at = models.DateTimeField(_("trial ended at"), null=True, blank=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        constraints = [
            models.UniqueConstraint(
                fields=["external_id", "provider"], name="billing_subscription_unique"
            )
        ]
        indexes = [
            models.Index(fields=["provider", "-id"], name="billing_subscription_provider"),
            models.Index(fields=["status", "-id"], name="billing_subscription_status"),
            models.Index(fields=["current_period_end", "id"], name="billing_subscription_ends"),
            # For who copies rows. PostgreSQL then writes every index with each update, which was
            # measured: no slower, and 1 % more WAL in a backlog, 10 % where events come singly.
            models.Index(fields=["updated_at", "id"], name="billing_subscription_updated"),
        ]

    def __str__(self) -> str:
        return printable(f"{self.plan_name or self.external_id} ({self.get_status_display()})")
