"""How rows differ, told with the names by which their provider calls them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, TypeAlias

from django.apps import apps
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from billing_webhooks.models import Customer, CustomerIdentity, Plan, PlanIdentity, Subscription

IDENTITIES: Mapping[type[Model], type[CustomerIdentity] | type[PlanIdentity]] = {
    Customer: CustomerIdentity,
    Plan: PlanIdentity,
}


class Name(str):
    """What a row is called, such as "id:customer_1" or "organization:org_1"."""

    __slots__ = ()


Names: TypeAlias = Mapping[Any, Name]


@dataclass(frozen=True)
class Difference:
    """
    A field with an old and another new value; a foreign key as the Name of its row.

    Of the row itself `field` is "", and the values are what the row is called, None where
    there is no such row.
    """

    model: str
    row: Name
    field: str
    old: Any
    new: Any


def names_of(rows: QuerySet[Any]) -> dict[Any, Name]:
    """Return what each of these rows is called, by primary key; the first of several names."""
    if rows.model in IDENTITIES:
        return {pk: names[0] for pk, names in all_names_of(rows).items()}
    column = "external_id" if rows.model is Subscription else "identity"
    return {pk: Name(name) for pk, name in rows.values_list("pk", column)}


def all_names_of(rows: QuerySet[Any]) -> dict[Any, list[Name]]:
    """
    Return all names of each of these customers or plans, ids before others.

    A row that was made by hand may have a number only.
    """
    columns = "identities__kind", "identities__value"
    names: dict[Any, list[Name]] = {}
    for pk, kind, value in rows.order_by(*columns).values_list("pk", *columns):
        names.setdefault(pk, []).append(Name(f"{kind}:{value}" if kind else f"#{pk}"))
    return names


def value_of(field: Any, value: Any, names: Mapping[Any, Names]) -> Any:
    """Return a column's value; of a foreign key, what its row is called."""
    if value is None or not field.is_relation:
        return value
    return names.get(field.related_model, {}).get(value, Name(f"#{value}"))


def of_entries(db: str, entries: Iterable[Mapping[str, Any]]) -> Iterator[Difference]:
    """Yield what the entries of an Effect's changes tell of rows."""
    for entry in entries:
        if "model" not in entry:
            continue
        model = apps.get_model("billing_webhooks", entry["model"])
        row = _names(db, model, [entry["id"]]).get(entry["id"], Name(f"#{entry['id']}"))
        kind = str(model._meta.verbose_name)
        if entry["created"]:
            yield Difference(kind, row, "", None, row)
        for name, values in entry["fields"].items():
            field: Any = model._meta.get_field(name)
            names = {}
            if field.is_relation:
                names[field.related_model] = _names(db, field.related_model, values)
            old, new = (value_of(field, value, names) for value in values)
            yield Difference(kind, row, name, old, new)


def _names(db: str, model: Any, keys: Iterable[Any]) -> Names:
    return names_of(model._base_manager.using(db).filter(pk__in=[key for key in keys if key]))


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
    if row.new is None:
        return f" ({old})"
    return " " + _("becomes %(name)s") % {"name": shown(row.new)}


def shown(value: Any) -> str:
    """Return a column's value: a time in the project's time zone, text in quotes."""
    if value is None:
        return pgettext("value of a field", "none")
    if isinstance(value, Name):
        return value.removeprefix("id:")
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(" ", "auto")
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return f"'{value}'" if isinstance(value, str) else str(value)
