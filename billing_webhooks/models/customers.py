"""Who pays, by which names providers know them, and whose users they are."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import IntegrityError, models, router, transaction
from django.db.models import CASCADE, QuerySet
from django.utils.translation import gettext_lazy as _

from billing_webhooks.exceptions import NotAUser
from billing_webhooks.facts import Collection, CustomerKind, InvoiceStatus
from billing_webhooks.models.answers import Answer, answer, any_answer
from billing_webhooks.models.billing import BillingRow, Identity, Plan
from billing_webhooks.models.fields import ExactCharField
from billing_webhooks.models.inbox import WebhookEvent
from billing_webhooks.models.querysets import CustomerQuerySet
from billing_webhooks.models.timeline import Page, page
from billing_webhooks.signals import customer_linked
from billing_webhooks.wording import printable

if TYPE_CHECKING:
    from billing_webhooks.models.entries import Invoice, UsageRecord


class Customer(BillingRow):
    """
    Who pays: a person or an organisation.

    `external_id` is "" as long as events have named the organisation only. `collection`,
    `agreement_cancelled_at` and `in_arrears_since` are news that named no subscription;
    that something was paid counts here whatever it named. `plan_ended_at` is when `plan`
    was cancelled by news that named none, and `plan_by_agreement` whether what gave the
    plan named one, which then has it.
    """

    external_id = ExactCharField(_("provider's id"), max_length=255, blank=True)
    kind = models.CharField(
        _("kind"), max_length=16, choices=CustomerKind, default=CustomerKind.UNKNOWN
    )
    email = ExactCharField(_("e-mail"), max_length=255, blank=True)
    organization_code = ExactCharField(_("organisation code"), max_length=255, blank=True)
    user_external_id = ExactCharField(_("provider's user id"), max_length=255, blank=True)
    brand = models.CharField(_("brand"), max_length=255, blank=True)
    is_disabled = models.BooleanField(_("disabled"), default=False)
    plan = models.ForeignKey(
        "billing_webhooks.Plan",
        verbose_name=_("plan"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="customers",
    )
    collection = models.CharField(
        _("collection"), max_length=16, choices=Collection, blank=True, default=""
    )
    agreement_cancelled_at = models.DateTimeField(
        _("agreement cancelled at"), null=True, blank=True
    )
    in_arrears_since = models.DateTimeField(_("in arrears since"), null=True, blank=True)
    plan_ended_at = models.DateTimeField(_("plan ended at"), null=True, blank=True)
    plan_by_agreement = models.BooleanField(_("plan by an agreement"), default=False)

    objects = CustomerQuerySet.as_manager()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        permissions = [
            ("link_customer", _("Can link customers to users")),
            ("erase_customer", _("Can erase customers")),
        ]
        indexes = [
            models.Index(fields=["external_id", "provider"], name="billing_customer_external"),
            models.Index(fields=["email", "id"], name="billing_customer_email"),
            models.Index(fields=["provider", "-id"], name="billing_customer_provider"),
            # For who copies rows. PostgreSQL then writes every index with each update, which was
            # measured: no slower, and 1 % more WAL in a backlog, 10 % where events come singly.
            models.Index(fields=["updated_at", "id"], name="billing_customer_updated"),
        ]

    def __str__(self) -> str:
        name = self.email or self.external_id or self.organization_code
        return printable(name) or f"#{self.pk}"

    def timeline(self, before: str | None = None, limit: int = 50) -> Page:
        """Return a page of all that happened to the customer: see `models.timeline.page`."""
        return page(self, before, limit)

    def usage(self, meter: str) -> QuerySet[UsageRecord]:
        """Return the readings of a meter in order of time; zero is one."""
        return self.usage_records.series(meter)

    def latest_usage(self) -> dict[str, UsageRecord]:
        """Return the latest reading that has a number, by meter, in one query."""
        return {record.meter: record for record in self.usage_records.latest_per_meter()}

    def overdue_invoices(self) -> QuerySet[Invoice]:
        """Return the invoices that are overdue, in the order in which they were reported."""
        overdue = self.invoices.filter(status=InvoiceStatus.OVERDUE)
        return overdue.order_by("occurred_at", "identity")

    @property
    def users(self) -> QuerySet[Any]:
        """The users who have what this customer pays for, wherever their table is."""
        users = get_user_model()._default_manager.all()
        keys: Any = self.links.values_list("user", flat=True)
        return users.filter(pk__in=keys if keys.db == users.db else list(keys))

    def link(self, user: models.Model, *, resolver: str = "") -> bool:
        """
        Let a user have what this customer pays for, and return whether that is new.

        If it is, the signal `customer_linked` is sent at once, with `event` None. What
        its receivers write commits together with the link. Raise NotAUser for anything
        but a saved user, and DoesNotExist if the customer was merged or erased meanwhile.
        """
        db = router.db_for_write(CustomerLink)
        with transaction.atomic(using=db):
            # It may have been merged into another since it was loaded, or erased.
            rows = Customer._base_manager.using(db).select_for_update()
            if not rows.filter(pk=self.pk).exists():
                raise Customer.DoesNotExist(f"Customer {self.pk} is gone: load it anew.")
            is_new = CustomerLink.make(self, user, resolver)
            if is_new:
                customer_linked.send(
                    WebhookEvent, event=None, customer=self, user=user, is_replay=False
                )
        return is_new

    def unlink(self, user: models.Model) -> bool:
        """Let a user no longer have what this customer pays for; return whether that is new."""
        links = CustomerLink._base_manager.using(router.db_for_write(CustomerLink))
        deleted, _by_model = links.filter(customer=self.pk, user=key_of(user)).delete()
        return deleted > 0

    def has_plan(self, *plans: Plan | str, at: datetime | None = None) -> Answer:
        """Return whether the customer may use any of these plans; for `at` see `answer`."""
        return answer(self._alone(), *plans, at=at)

    def has_active_subscription(self, at: datetime | None = None) -> Answer:
        """Return whether anything grants the customer access, a plan without subscription too."""
        return any_answer(self._alone(), at=at)

    def _alone(self) -> CustomerQuerySet[Customer]:
        return type(self).objects.using(self._state.db).filter(pk=self.pk)


class CustomerIdentity(Identity):
    row = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="identities"
    )

    class Meta:
        verbose_name = _("customer identity")
        verbose_name_plural = _("customer identities")
        constraints = [
            models.UniqueConstraint(
                fields=["value", "kind", "provider"], name="billing_customer_identity_unique"
            )
        ]


def key_of(user: models.Model) -> Any:
    """Return the primary key of a user; raise NotAUser for anything but a saved one."""
    if not isinstance(user, get_user_model()):
        raise NotAUser(f"A customer's users are saved users, not {type(user).__name__}.")
    if user._state.adding:
        raise NotAUser("A customer's users are saved users, and this one is not saved yet.")
    return user.pk


class RowsElsewhere(QuerySet[Any]):
    """Rows of another database than that of the rows together with which they are deleted."""

    def _raw_delete(self, using: str | None) -> int:
        return super()._raw_delete(self.db)


def with_the_user(collector: Any, field: Any, links: Any, using: str) -> None:
    """Delete links when their user is, also where users are in another database."""
    alias = router.db_for_write(field.model)
    if alias == using:
        CASCADE(collector, field, links, using)
    else:
        # Not at once: the admin collects only to ask whether all this may be deleted.
        rows = RowsElsewhere(links.model, query=links.query.chain(), using=alias)
        collector.fast_deletes.append(rows)


# Do not look for links before they are wanted: they may be in another database.
with_the_user.lazy_sub_objs = True  # type: ignore[attr-defined]


class CustomerLink(models.Model):
    """
    A user who has what a customer pays for.

    An organisation has as many as it has people, and a user may have customers of several
    providers. There is no constraint on the user, whose table may be in another database.
    """

    customer = models.ForeignKey(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="links"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        on_delete=with_the_user,
        db_constraint=False,
        related_name="billing_links",
    )
    # The dotted path of the resolver that made it, "" for one that was made by hand.
    resolver = models.CharField(_("resolver"), max_length=255, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("link to a user")
        verbose_name_plural = _("links to users")
        constraints = [
            models.UniqueConstraint(fields=["customer", "user"], name="billing_link_unique")
        ]

    def __str__(self) -> str:
        # Not by name: the user may be in another database.
        return f"{self._meta.verbose_name} {self.user_id}"

    @classmethod
    def make(cls, customer: Customer, user: models.Model, resolver: str = "") -> bool:
        """
        Link a user in the caller's transaction, tell nobody, and return whether it is new.

        Raise NotAUser for anything but a saved user.
        """
        db = router.db_for_write(cls)
        # By the key, because a router may not let rows of two databases be related.
        link = cls(customer_id=customer.pk, user_id=key_of(user), resolver=resolver)
        same = cls._base_manager.using(db).filter(customer=link.customer_id, user=link.user_id)
        if same.exists():
            return False
        try:
            with transaction.atomic(using=db):
                link.save(using=db, force_insert=True)
        except IntegrityError:
            # A transaction that sees what it saw first finds a new row only by locking it.
            if not (same.exists() or same.select_for_update().exists()):
                raise
            return False
        return True
