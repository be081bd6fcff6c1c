"""
Rows as CSV or JSON, for spreadsheets and programs, in parts that need little memory.

All columns but those that are large or of no use outside. A row that another one points to
is named by its key and its provider's id. Numbers with decimals are told exactly, as text;
times are ISO 8601 in UTC.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from django.db.models import BinaryField, Field, JSONField, Model, QuerySet, TextField
from django.utils.duration import duration_iso_string

from billing_webhooks.models import WebhookEvent
from billing_webhooks.models.keyset import Keyset
from billing_webhooks.redaction import redact, shown_payload
from billing_webhooks.wording import printable

FORMATS = ("csv", "json")
ROWS_AT_ONCE = 1000
# Payloads may be a megabyte each.
PAYLOADS_AT_ONCE = 50
LARGE = (BinaryField, JSONField, TextField)
# By a digest somebody could make sure of a payload that is not for everybody.
SECRET = frozenset({"idempotency_key", "content_digest"})
PAYLOAD = ("payload", "payload_error")

NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?")
# What a spreadsheet takes for a formula, in the width of East Asian types, too. A TAB or CR
# at the beginning makes it look at what follows.
FORMULA = re.compile("[\\s\"'\u200b\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]|[\t\r]")
# In many countries a semicolon begins the next cell.
NEXT_CELL = re.compile("(;[\\s\"']*)(?=[=+\\-@\uff1d\uff0b\uff0d\uff20])")
SURROGATE = re.compile("[\ud800-\udfff]")
# Without it Excel takes UTF-8 for something else.
BYTE_ORDER_MARK = "\ufeff"

Row: TypeAlias = Mapping[str, Any]


def export(rows: QuerySet[Any], file_format: str, *, payloads: bool = False) -> Iterator[str]:
    """
    Yield the rows in a format of FORMATS, a row at a time, in the order of the queryset.

    CSV begins with the names of the columns; JSON is an array with an object on each line.
    With `payloads`, which only events have, the caller says that whoever reads this may see
    them; BILLING_WEBHOOKS_REDACT has a say, too, and if it cannot be had ImproperlyConfigured
    is raised before there is anything.
    """
    if file_format not in FORMATS:
        raise ValueError(f"Rows are exported as {' or '.join(FORMATS)}, not as {file_format!r}.")
    if payloads:
        if rows.model is not WebhookEvent:
            raise ValueError("Only events have payloads.")
        redact()
    write = _csv if file_format == "csv" else _json
    names = columns(rows.model, payloads=payloads)
    return write(names, _read(rows, payloads=payloads))


def columns(model: type[Model], *, payloads: bool = False) -> list[str]:
    """Return the names of the columns that are exported of a model."""
    return [*_paths(model), *(PAYLOAD if payloads else ())]


def _paths(model: type[Model]) -> dict[str, str]:
    """Return the names of the columns with where each is found."""
    paths: dict[str, str] = {}
    for field in model._meta.concrete_fields:
        if isinstance(field, LARGE) or field.name in SECRET:
            continue
        paths[field.attname] = field.attname
        if _has_external_id(field):
            paths[f"{field.name}_external_id"] = f"{field.name}__external_id"
    return paths


def _has_external_id(field: Field[Any, Any]) -> bool:
    target = field.related_model
    # Users may be in another database.
    if not isinstance(target, type) or target._meta.app_label != "billing_webhooks":
        return False
    return any(each.name == "external_id" for each in target._meta.concrete_fields)


def _read(rows: QuerySet[Any], *, payloads: bool) -> Iterator[Row]:
    """Yield the rows, read in parts: no cursor is kept open, no database buffers them all."""
    keyset = Keyset(rows.model, rows.query.order_by or ("pk",))
    paths = _paths(rows.model)
    wanted = rows.values(*{*paths.values(), *keyset.names})
    size = PAYLOADS_AT_ONCE if payloads else ROWS_AT_ONCE
    place = None
    while found := keyset.read(wanted, size, place):
        place = keyset.place_in(found[-1])
        said = _payloads(rows.db, found) if payloads else {}
        for row in found:
            shown = {name: row[path] for name, path in paths.items()}
            yield {**shown, **said.get(row.get("id"), {})}
        if len(found) < size:
            return


def _payloads(alias: str, rows: Sequence[Row]) -> dict[Any, Row]:
    events = WebhookEvent._base_manager.using(alias).defer("confirmation", "headers", "changes")
    some = events.filter(pk__in=[row["id"] for row in rows])
    return {event.pk: dict(zip(PAYLOAD, _payload(event), strict=True)) for event in some}


def _payload(event: WebhookEvent) -> tuple[Any, str | None]:
    """Return what may be shown of a payload, and the kind of error if it cannot be read."""
    if event.pruned_at is not None:
        return None, "pruned"
    try:
        return shown_payload(event), None
    except Exception as error:
        # One that nobody can read must not keep the others back.
        return None, type(error).__name__


def _json(names: Sequence[str], rows: Iterator[Row]) -> Iterator[str]:
    before = "[\n"
    for row in rows:
        pairs = (f"{_text(name)}: {_document(_plain(row.get(name)))}" for name in names)
        yield f"{before}{{{', '.join(pairs)}}}"
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _csv(names: Sequence[str], rows: Iterator[Row]) -> Iterator[str]:
    writer = csv.writer(_Line())
    yield BYTE_ORDER_MARK + writer.writerow(names)
    for row in rows:
        yield writer.writerow([_cell(_plain(row.get(name))) for name in names])


class _Line:
    """A file that keeps nothing: `writerow` returns what this returns, which is the line."""

    def write(self, line: str) -> Any:
        return line


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return safe_cell(value if isinstance(value, str) else _document(value))


def safe_cell(text: str) -> str:
    r"""
    Return text that no spreadsheet takes for a formula, and without control characters.

    What would be one gets an apostrophe before it, and what cannot be printed is written
    as `\n` or `\u202e`. A number stays a number.
    """
    if NUMBER.fullmatch(text):
        return text
    shown = NEXT_CELL.sub(r"\1'", printable(text))
    return f"'{shown}" if FORMULA.match(text) else shown


def _plain(value: Any) -> Any:
    """Return a column's value as JSON can say it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    return str(value) if isinstance(value, UUID) else value


def _document(value: Any) -> str:
    """Return a payload, or a part of it, as JSON on one line, each number as it was sent."""
    if isinstance(value, dict):
        pairs = (f"{_text(str(key))}: {_document(each)}" for key, each in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_document, value))}]"
    return str(value) if isinstance(value, Decimal) else _text(value)


def _text(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", shown)
