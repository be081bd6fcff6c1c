"""Everything that belongs to a row, or to one of its names, moves to another row."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from django.utils import timezone

from billing_webhooks.facts import Key
from billing_webhooks.models import (
    Customer,
    CustomerLink,
    Invoice,
    Payment,
    Plan,
    PlanIdentity,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from billing_webhooks.models.billing import BillingRow
from billing_webhooks.projection.derivation import derive
from billing_webhooks.projection.registers import Draft, NamedDraft, draft_of

# What refers to a row by a name, which its register `<field>_key` holds.
CHILDREN: dict[type, tuple[tuple[type, str], ...]] = {
    Customer: (
        (Subscription, "customer"),
        (Payment, "customer"),
        (Invoice, "customer"),
        (UsageRecord, "customer"),
    ),
    Plan: ((Customer, "plan"), (Subscription, "plan")),
}


def move_all(db: str, source: Any, target: Any) -> list[Draft[Subscription]]:
    """
    Let everything that points at one row point at another, the project's rows included.

    Return the subscriptions that get another customer, as they were.
    """
    subscriptions: list[Draft[Subscription]] = []
    if isinstance(source, Customer):
        _move_links(db, source, target)
        theirs = Subscription._base_manager.using(db).filter(customer=source.pk)
        subscriptions = [Draft(row) for row in theirs]
    # Hidden relations too: a project's foreign key without a reverse name is one, and its
    # rows would be deleted with the source.
    for relation in source._meta.get_fields(include_hidden=True):
        if relation.auto_created and relation.is_relation and not relation.concrete:
            _move_relation(relation, db, source.pk, target.pk)
    return subscriptions


def move_some(db: str, source: Any, target: Any, keys: Iterable[Key]) -> list[Draft[Subscription]]:
    """
    Let what was linked to a row by one of these names point at another.

    Return the subscriptions that get another customer, or plan, as they were.
    """
    names = [list(key) for key in keys]
    moved: dict[type, list[Any]] = {}
    for model, field in CHILDREN[type(source)]:
        rows = model._base_manager.using(db)  # type: ignore[attr-defined]
        followed = [row.pk for row in moved.get(Subscription, ())]
        theirs = rows.filter(**{field: source.pk})
        moved[model] = [row for row in theirs if _is_moved(row, field, names, followed)]
        keys_of_rows = [row.pk for row in moved[model]]
        rows.filter(pk__in=keys_of_rows).update(**_pointing(model, field, target.pk))
    subscriptions = moved[Subscription]
    if isinstance(source, Customer):
        _move_events(db, source, target, names, [["id", row.external_id] for row in subscriptions])
    return [Draft(row) for row in subscriptions]


def _move_events(
    db: str, source: Customer, target: Customer, names: list[Any], subscriptions: list[Any]
) -> None:
    """Let events that named a customer so, or nobody but such a subscription, be another's."""
    events = WebhookEvent._base_manager.using(db)
    told = [
        event.pk
        for event in events.filter(customer=source).only("pk", "changes")
        if any(key in names for key in _keys(event, "customer"))
        or (
            not _keys(event, "customer")
            and any(key in subscriptions for key in _keys(event, "subscription"))
        )
    ]
    events.filter(pk__in=told).update(customer=target)


def recompute(db: str, row: Any) -> None:
    """Bring every column of a row with names in line with its registers."""
    draft: NamedDraft[Any] = NamedDraft(row)
    draft.recompute()
    if isinstance(row, Customer):
        key = draft.value("plan_key")
        identities = PlanIdentity._base_manager.using(db).filter(provider=row.provider)
        named = identities.filter(kind=key[0], value=key[1]).first() if key else None
        row.plan_id = None if named is None else named.row_id
    derive(draft)


def _move_links(db: str, source: Customer, target: Customer) -> None:
    """Let the users of one customer be those of another, each of them once."""
    links = CustomerLink._base_manager.using(db)
    # By the keys, because MySQL does not read from the table that it writes.
    known = list(links.filter(customer=target.pk).values_list("user", flat=True))
    links.filter(customer=source.pk, user__in=known).delete()


def _move_relation(relation: Any, db: str, source: int, target: int) -> None:
    if relation.many_to_many:
        model, name = relation.through, relation.field.m2m_reverse_field_name()
    else:
        model, name = relation.related_model, relation.field.name
    rows = model._base_manager.using(db).filter(**{name: source})
    rows.update(**_pointing(model, name, target))


def _pointing(model: type, field: str, target: int) -> dict[str, Any]:
    """Return what a row is updated with that is to point at another."""
    # Whoever asks for what has changed is to be told of it, too.
    changed = {"updated_at": timezone.now()} if issubclass(model, BillingRow) else {}
    return {field: target, **changed}


def _is_moved(row: Any, field: str, keys: list[Any], subscriptions: Container[int]) -> bool:
    """Return whether a row was linked by one of these names, or follows a subscription that was."""
    key = draft_of(row).value(f"{field}_key")
    return key in keys or (key is None and row.subscription_id in subscriptions)


def _keys(event: WebhookEvent, model: str) -> list[Any]:
    return [entry["key"] for entry in event.changes if entry.get("model") == model]
