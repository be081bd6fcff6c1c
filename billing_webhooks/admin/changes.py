"""What an event changed, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from django.apps import apps
from django.contrib.admin import AdminSite
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Field, ForeignKey, Model
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from billing_webhooks.admin.json_text import json_text
from billing_webhooks.admin.rendering import EMPTY, link, link_to, preformatted, shown, table

Entry: TypeAlias = Mapping[str, Any]

MAX_LINES = 100


def changes_table(site: AdminSite, changes: Sequence[Entry]) -> SafeString:
    """Return a line for each field that an event changed, and one for each notice in it."""
    lines: list[Sequence[Any]] = []
    for entry in changes:
        lines += _row_lines(site, entry) if "model" in entry else [_notice_line(entry)]
    return table([_("row"), _("field"), _("old"), _("new"), _("signals")], lines)


def _notice_line(entry: Entry) -> Sequence[Any]:
    notice = preformatted(json_text(entry["data"], max_lines=MAX_LINES))
    return EMPTY, EMPTY, EMPTY, notice, _signals(entry)


def _row_lines(site: AdminSite, entry: Entry) -> Iterator[Sequence[Any]]:
    model = apps.get_model("billing_webhooks", entry["model"])
    # What belongs to the row stands beside its first field only.
    row, signals = _row(site, model, entry), _signals(entry)
    for name, values in entry["fields"].items():
        old, new = (_value(site, model, name, value) for value in values)
        yield row, _label(model, name), old, new, signals
        row = signals = ""
    if not entry["fields"]:
        yield row, _("nothing"), EMPTY, EMPTY, signals


def _signals(entry: Entry) -> str:
    return format_html_join("", "<div>{}</div>", ((name,) for name in entry["signals"]))


def _row(site: AdminSite, model: type[Model], entry: Entry) -> str:
    row = model._default_manager.filter(pk=entry["id"]).defer("registers").first()
    kind = model._meta.verbose_name
    if row is None:
        return format_html("{} #{} ({})", kind, entry["id"], _("no longer there"))
    is_new = format_html(" <em>{}</em>", _("new")) if entry["created"] else ""
    return format_html("{} {}{}", kind, link(site, row), is_new)


def _label(model: type[Model], name: str) -> Any:
    field = _field(model, name)
    return name if field is None else field.verbose_name


def _value(site: AdminSite, model: type[Model], name: str, value: Any) -> Any:
    field = _field(model, name)
    if field is None or value is None:
        return EMPTY if value is None else value
    if isinstance(field, ForeignKey):
        return link_to(site, field.related_model, value, f"#{value}")
    try:
        return shown(field.to_python(value), field)
    except ValidationError:
        return value


def _field(model: type[Model], name: str) -> Field[Any, Any] | None:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, Field) else None
