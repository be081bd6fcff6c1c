"""Events as they were received, and how far each has been worked off."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from typing import Any
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing_webhooks.encryption import Sealed
from billing_webhooks.models.fields import BodyField, ExactCharField, ExactEncoder
from billing_webhooks.models.indexes import PartialIndex
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Trust
from billing_webhooks.providers.paths import storable
from billing_webhooks.wording import printable

MAX_ERROR_LENGTH = 4000


def time_ordered_uuid() -> UUID:
    """
    Return a UUID of version 7, which sorts by the millisecond of its making.

    It is made before the first try to store an event, so that a retry after a lost
    connection cannot store it twice; sorted, it keeps the index compact.

    Source: RFC 9562, section 5.7.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = secrets.randbits(74)
    return UUID(
        int=milliseconds << 80 | 0x7 << 76 | (random >> 62) << 64 | 0b10 << 62 | random & 2**62 - 1
    )


def idempotency_key(provider: str, identity: str) -> str:
    """
    Return the key under which an event is unique: SHA-256 in hex.

    Raw ids would not do: some collations hold "Event_A" and "event_a " to be equal.
    """
    return hashlib.sha256(f"{provider}\n{identity}".encode(errors="surrogatepass")).hexdigest()


def storable_error(error: str) -> str:
    """
    Return the end of an error's text, where the reason is, as a database can hold it.

    A receiver's error may quote anything, and that it failed must be noted all the same.
    """
    return storable(error[-MAX_ERROR_LENGTH:], MAX_ERROR_LENGTH)


class WebhookEvent(models.Model):
    """
    One event, with the exact bytes in which it came.

    `occurred_at` is when the provider says it happened, or the arrival where it does
    not say or is not to be believed; with `sequence` it orders events. `changes` lists
    the rows the event is about and what it changed in them.
    """

    class State(models.TextChoices):
        PENDING = "pending", _("pending")
        PROCESSED = "processed", _("processed")
        DEAD = "dead", _("dead")
        QUARANTINED = "quarantined", _("quarantined")

    class Outcome(models.TextChoices):
        NONE = "", _("not yet")
        APPLIED = "applied", _("applied")
        SUPERSEDED = "superseded", _("superseded by newer news")
        NO_EFFECT = "no_effect", _("no effect")
        UNHANDLED = "unhandled", _("unhandled type")

    id = models.UUIDField(_("id"), primary_key=True, default=time_ordered_uuid, editable=False)
    provider = ExactCharField(_("provider"), max_length=64)
    event_type = models.CharField(_("event type"), max_length=100, blank=True)
    external_id = ExactCharField(_("provider's id"), max_length=255, blank=True)
    # Null, not "": of many events without an identity none repeats another. Unique by a
    # constraint: of a unique column Django makes a second index on PostgreSQL, for LIKE.
    idempotency_key = models.CharField(  # noqa: DJ001
        _("idempotency key"), max_length=64, null=True, editable=False
    )
    sequence = ExactCharField(_("sequence"), max_length=255, editable=False)
    mailbox = ExactCharField(_("mailbox"), max_length=200)
    occurred_at = models.DateTimeField(_("occurred at"))
    received_at = models.DateTimeField(_("received at"))
    body = BodyField(_("body"))
    # What the provider's API said before the event was applied; empty if it was not asked.
    confirmation = BodyField(_("confirmation"), default=b"", blank=True)
    # What tells another content under the same identity; "" where nothing does.
    content_digest = models.CharField(
        _("digest of the content"), max_length=64, blank=True, editable=False
    )
    # Of the receipt or replay that its work belongs to, as W3C Trace Context writes it. Not among
    # the headers, which are the sender's.
    traceparent = models.CharField("traceparent", max_length=55, blank=True, editable=False)
    headers = models.JSONField(_("headers"), default=dict, blank=True)
    trust = models.CharField(_("trust"), max_length=16, choices=Trust)
    deliveries = models.PositiveIntegerField(_("deliveries"), default=1)

    state = models.CharField(_("state"), max_length=16, choices=State, default=State.PENDING)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"), null=True, blank=True)
    # Null between attempts.
    attempt_began_at = models.DateTimeField(_("attempt began at"), null=True, blank=True)
    replays = models.PositiveIntegerField(_("replays"), default=0)
    # Of a replay for one receiver alone; "" is all of them.
    only_receiver = ExactCharField(_("only receiver"), max_length=255, blank=True)
    last_error = models.TextField(_("last error"), blank=True)
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True)
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)
    # Of what it said, nothing is left.
    pruned_at = models.DateTimeField(_("pruned at"), null=True, blank=True)
    changes = models.JSONField(_("changes"), default=list, blank=True, encoder=ExactEncoder)
    customer = models.ForeignKey(
        "billing_webhooks.Customer",
        verbose_name=_("customer"),
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="events",
        db_index=False,
    )

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        ordering = ["-received_at", "-id"]
        permissions = [
            ("view_payload", _("Can view the payloads of webhook events")),
            ("preview_webhookevent", _("Can preview what a replay of webhook events would do")),
            ("replay_webhookevent", _("Can replay webhook events")),
            ("replay_receiver", _("Can replay webhook events for one receiver alone")),
            ("retry_webhookevent", _("Can let pending webhook events be tried at once")),
            ("give_up_webhookevent", _("Can give up pending webhook events")),
            ("release_webhookevent", _("Can release webhook events from quarantine")),
            ("export_rows", _("Can export rows as CSV and JSON")),
        ]
        constraints = [
            models.UniqueConstraint(fields=["idempotency_key"], name="billing_event_unique")
        ]
        indexes = [
            models.Index(fields=["-received_at", "-id"], name="billing_event_received"),
            # It covers what the overview counts: no row need be read for it.
            models.Index(
                fields=["provider", "-received_at", "-id", "state", "outcome"],
                name="billing_event_of_provider",
            ),
            models.Index(
                fields=["event_type", "-received_at", "-id"], name="billing_event_of_type"
            ),
            models.Index(fields=["external_id", "provider"], name="billing_event_external_id"),
            # Nobody asks for the events of no customer, and each event is one when it is stored.
            PartialIndex(
                fields=["customer", "-received_at", "-id"],
                name="billing_event_of_customer",
                where=models.Q(customer__isnull=False),
                column="customer",
            ),
            # The few that are not done are looked for among the millions that are.
            PartialIndex(
                fields=["-received_at", "-id", "state"],
                name="billing_event_unprocessed",
                where=~models.Q(state="processed"),
                column="state",
            ),
            PartialIndex(
                fields=["mailbox", "occurred_at", "sequence"],
                name="billing_event_pending",
                where=models.Q(state="pending"),
                column="state",
            ),
            # Many may be due since one moment: without the id each page would sort them all.
            PartialIndex(
                fields=["next_attempt_at", "id"],
                name="billing_event_due",
                where=models.Q(state="pending"),
                column="state",
            ),
            PartialIndex(
                fields=["received_at"],
                name="billing_event_prunable",
                where=models.Q(state="processed", pruned_at=None),
                column="pruned_at",
            ),
        ]

    def __str__(self) -> str:
        return printable(f"{self.provider} {self.event_type or _('unreadable event')}")

    @property
    def payload(self) -> dict[str, Any]:
        """
        The provider's own payload, read from the stored bytes.

        Raise NotUnderstood if they cannot be read, KeyError if the alias is no longer
        configured, and ImproperlyConfigured if they are encrypted with an unknown key.
        """
        return get_provider(self.provider).decode(self.opened_body)

    @property
    def confirmed(self) -> dict[str, Any] | None:
        """What the provider's API said, None if it was not asked; raises as `opened_body` does."""
        stored = self._opened(self.confirmation)
        return json.loads(stored) if stored else None

    @property
    def opened_body(self) -> bytes:
        """The exact bytes; raise ImproperlyConfigured if they are encrypted with an unknown key."""
        return self._opened(self.body)

    def _opened(self, stored: bytes) -> bytes:
        if isinstance(stored, Sealed):
            raise ImproperlyConfigured(
                f"The body of event {self.pk} is encrypted with a key that "
                f"BILLING_WEBHOOKS_ENCRYPTION_KEYS does not hold."
            )
        return bytes(stored)


class ConflictingDelivery(models.Model):
    """
    A proven delivery under the identity of an event that said something else.

    The event stays what came first; this is kept for people to look at.
    """

    event = models.ForeignKey(
        WebhookEvent, verbose_name=_("event"), on_delete=models.CASCADE, related_name="conflicts"
    )
    received_at = models.DateTimeField(_("received at"))
    body = BodyField(_("body"))
    content_digest = models.CharField(_("digest of the content"), max_length=64, editable=False)

    class Meta:
        verbose_name = _("conflicting delivery")
        verbose_name_plural = _("conflicting deliveries")
        ordering = ["event", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["event", "content_digest"], name="billing_conflict_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.event_id} {self.content_digest[:8]}"


class Mailbox(models.Model):
    """
    Whose events these are; its row is the lock that lets one worker at a time work them.

    A row lock dies with its connection, so a killed worker frees the mailbox at once.
    """

    key = ExactCharField(_("key"), max_length=200, primary_key=True)
    steps = models.PositiveBigIntegerField(_("steps taken"), default=0)
    # What was due by then was tried, and may be what killed its worker.
    tried_at = models.DateTimeField(_("last tried at"), default=timezone.now)

    class Meta:
        verbose_name = _("mailbox")
        verbose_name_plural = _("mailboxes")

    def __str__(self) -> str:
        return printable(self.key)
