"""What rows and values of events' changes are called, in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Field, Model
from django.utils import timezone
from django.utils.translation import gettext as _

from billing_webhooks.wording import number, printable

Entry: TypeAlias = Mapping[str, Any]
Row: TypeAlias = tuple[str, Any]


class Names:
    """
    What the rows are called of which entries of events' changes speak.

    One query for each model, however many rows. A row that is gone, such as one that was
    merged into another, is called what the events called it.
    """

    def __init__(self, db: str, entries: Iterable[Entry]) -> None:
        self._said: dict[Row, str] = {}
        wanted: dict[str, set[Any]] = defaultdict(set)
        for entry in entries:
            self._said.update(_said(entry))
            for name, pk in _rows(entry):
                wanted[name].add(pk)
        self._rows = {
            name: _model(name)._base_manager.using(db).defer("registers").in_bulk(keys)  # type: ignore[union-attr]
            for name, keys in wanted.items()
        }

    def of(self, name: str, pk: Any) -> str:
        """Return what a row of the model of this name is called, never its primary key."""
        row = self._rows.get(name, {}).get(pk)
        if row is None:
            return printable(self._said.get((name, pk), _("one that is no longer there")))
        return printable(_called(name, row)) or _("without an id")

    def value(self, model: str, field_name: str, value: Any) -> str:
        """Return a field's value, as JSON holds it, in words."""
        field = field_of(model, field_name)
        if value is None or value == "":
            return _("nothing")
        if field is None:
            return printable(str(value))
        if field.is_relation:
            return self.of(field.related_model._meta.model_name, value)
        return _in_words(field, value)


def kind_of(model: str) -> str:
    """Return what rows of a model are called, also of one of another release."""
    found = _model(model)
    return model if found is None else str(found._meta.verbose_name)


def label_of(model: str, field_name: str) -> str:
    """Return what a field is called, also one of another release."""
    field = field_of(model, field_name)
    return field_name if field is None else str(field.verbose_name)


def field_of(model: str, name: str) -> Any:
    """Return a field of a model, None if this release has no such field or model."""
    found = _model(model)
    try:
        field = None if found is None else found._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, Field) else None


def in_order(model: str, field_names: Iterable[str]) -> list[str]:
    """Return names of fields in the model's order, which not every database keeps in JSON."""
    found = _model(model)
    known = [] if found is None else [field.name for field in found._meta.concrete_fields]
    places = {name: place for place, name in enumerate(known)}
    return sorted(field_names, key=lambda name: (places.get(name, len(places)), name))


def moment(value: datetime) -> str:
    """Return a time in the project's time zone, which it names."""
    return timezone.localtime(value).isoformat(" ", "seconds")


def _model(name: str) -> type[Model] | None:
    try:
        return apps.get_model("billing_webhooks", name)
    except LookupError:
        return None


def _rows(entry: Entry) -> Iterator[Row]:
    """Yield the rows of which an entry speaks: its own, and those its fields point at."""
    if _model(entry["model"]) is None:
        return
    yield entry["model"], entry["id"]
    for name, values in entry["fields"].items():
        field = field_of(entry["model"], name)
        if field is not None and field.is_relation:
            related = field.related_model._meta.model_name
            yield from ((related, pk) for pk in values if pk is not None)


def _said(entry: Entry) -> Iterator[tuple[Row, str]]:
    kind, value = entry.get("key") or ("", "")
    # What has no id of its own has its event's, which is no name.
    if value and kind != "event":
        yield (entry["model"], entry["id"]), value
        # Before the row was merged into another it had this number.
        name, _colon, pk = entry.get("subject", "").partition(":")
        if pk.isdecimal():
            yield (name, int(pk)), value


def _called(name: str, row: Any) -> str:
    if name == "plan":
        code = "" if row.code.lower() == row.name.lower() else row.code
        return f"{row.name} ({code})" if row.name and code else str(row)
    if name == "usagerecord":
        return str(row.meter)
    return str(row) if name == "customer" else str(row.external_id)


def _in_words(field: Any, value: Any) -> str:
    try:
        typed = field.to_python(value)
    except ValidationError:
        return printable(str(value))
    if field.flatchoices:
        return str(dict(field.flatchoices).get(typed, printable(str(typed))))
    if isinstance(typed, bool):
        return _("yes") if typed else _("no")
    if isinstance(typed, datetime):
        return moment(typed)
    return number(typed) if isinstance(typed, Decimal) else printable(str(typed))
