"""What a replay would do, found by doing it and rolling it back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing_webhooks import confirming, differences, projection, receivers
from billing_webhooks.database import is_transient, patiently, write_alias
from billing_webhooks.differences import IDENTITIES, Difference, Name, names_of
from billing_webhooks.exceptions import CannotReplay, NotUnderstood
from billing_webhooks.facts import Key
from billing_webhooks.models import WebhookEvent
from billing_webhooks.processing import note
from billing_webhooks.projection import Reading, RowsMoved
from billing_webhooks.providers import get_provider
from billing_webhooks.reading import read
from billing_webhooks.replaying import EVERYTHING, Scope, make_due

# For so many events rows stay locked at a time, and on SQLite the database.
EVENTS_TOGETHER = 50

NOT_ASKED = gettext_lazy(
    "Not known: the provider's API would be asked first, and a preview does not."
)

Owners: TypeAlias = Mapping[type[Model], Mapping[Key, Name]]


@dataclass(frozen=True)
class Preview:
    """
    What a replay of an event would change, and which receivers would run for it.

    `refused` is why it would not be replayed, `failed` why working it would fail.
    """

    event: WebhookEvent
    changes: list[Difference] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)
    refused: str = ""
    failed: str = ""


def preview(events: Iterable[WebhookEvent], scope: Scope = EVERYTHING) -> Iterator[Preview]:
    """
    Yield what a replay of each event would do now.

    A few events are tried together, of more than EVENTS_TOGETHER those of one mailbox, so
    what one would change is no news to those after it. Locks are held for no longer, and
    nothing is left behind.
    """
    db = write_alias()
    for keys in _together(events):
        yield from _previews(db, keys, scope)


def consequences(found: Preview) -> Iterator[str]:
    """Yield what a replay of an event would do, a line for each row, field and receiver."""
    if found.refused:
        yield _("would not be replayed: %(why)s") % {"why": found.refused}
        return
    if found.failed:
        yield _("would fail: %(why)s") % {"why": found.failed}
        return
    yield from differences.lines(found.changes, old=_("would be gone"), new=_("new"))
    for name in found.receivers:
        yield _("would run: %(receiver)s") % {"receiver": name}
    if not found.changes and not found.receivers:
        yield _("nothing would change or run")


def _together(events: Iterable[WebhookEvent]) -> Iterator[Sequence[UUID]]:
    if isinstance(events, QuerySet):
        found = list(events.values_list("pk", "mailbox"))
    else:
        found = [(event.pk, event.mailbox) for event in events]
    mailboxes: dict[str, list[UUID]] = {}
    for key, mailbox in found:
        mailboxes.setdefault(mailbox, []).append(key)
    together: list[UUID] = []
    for keys in mailboxes.values():
        if len(together) + len(keys) > EVENTS_TOGETHER:
            yield together
            together = []
        together += keys
        while len(together) > EVENTS_TOGETHER:
            yield together[:EVENTS_TOGETHER]
            together = together[EVENTS_TOGETHER:]
    yield together


def _previews(db: str, keys: Sequence[UUID], scope: Scope) -> list[Preview]:
    def all_at_once() -> list[Preview]:
        with _rolled_back(db):
            return [found for key in keys if (found := _preview(db, key, scope))]

    return patiently(db, all_at_once, is_passing=_is_passing)


@contextmanager
def _rolled_back(db: str) -> Iterator[None]:
    with transaction.atomic(using=db):
        try:
            yield
        finally:
            transaction.set_rollback(True, using=db)


def _is_passing(error: Exception) -> bool:
    """Return whether a worker was in the way, who is not always."""
    return isinstance(error, RowsMoved | IntegrityError) or is_transient(error)


def _preview(db: str, key: UUID, scope: Scope) -> Preview | None:
    event = (
        WebhookEvent._base_manager.using(db).defer("body", "confirmation").filter(pk=key).first()
    )
    if event is None:
        return None
    try:
        with transaction.atomic(using=db):
            return _tried(db, make_due(db, key, scope))
    except CannotReplay as error:
        return Preview(event, refused=str(error))
    except NotUnderstood as error:
        return Preview(event, failed=str(error))
    except Exception as error:
        if _is_passing(error):
            raise
        return Preview(event, failed=f"{type(error).__name__}: {error}")


def _tried(db: str, event: WebhookEvent) -> Preview:
    provider = get_provider(event.provider)
    changes: list[Difference] = []
    if confirming.is_owed(event, provider):
        return Preview(event, failed=str(NOT_ASKED))
    if event.applied_at is None:
        reading = read(event, provider)
        changes = _applied(db, event, reading, is_known=event.event_type in provider.signals)
    calls = receivers.unfinished(db, event, provider.signals.get(event.event_type))
    names = dict.fromkeys(
        run.receiver for _, _, run in calls if event.only_receiver in {"", run.receiver}
    )
    return Preview(event, changes, list(names))


def _applied(db: str, event: WebhookEvent, reading: Reading, *, is_known: bool) -> list[Difference]:
    before = _owners(db, event.provider, reading)
    resolution = projection.prepare(db, event.provider, [reading])
    effect = projection.apply(db, event.provider, [reading], resolution)[0]
    note(db, event, effect, is_known=is_known)
    event.refresh_from_db(using=db, fields=["outcome", "changes", "customer"])
    moved = _moved(before, _owners(db, event.provider, reading))
    return [*moved, *differences.of_entries(db, effect.changes)]


def _owners(db: str, provider: str, reading: Reading) -> Owners:
    """Return whose each name is that an event gives: what its row is called."""
    keys = {key for ref in reading.refs for key in ref.keys}
    owners: dict[type[Model], dict[Key, Name]] = {}
    for model, identities in IDENTITIES.items():
        found = identities._base_manager.using(db).filter(
            provider=provider, value__in={value for _, value in keys}
        )
        rows = {(each.kind, each.value): each.row_id for each in found}
        names = names_of(model._base_manager.using(db).filter(pk__in=rows.values()))
        owners[model] = {key: names[pk] for key, pk in rows.items()}
    return owners


def _moved(before: Owners, after: Owners) -> list[Difference]:
    """Return which rows become another's, or get a better name."""
    return [
        Difference(str(model._meta.verbose_name), Name(":".join(key)), "", old, after[model][key])
        for model, names in before.items()
        for key, old in names.items()
        if after[model][key] != old
    ]
