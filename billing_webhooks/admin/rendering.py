"""Links, tables and preformatted text of the admin, all of it escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.admin.utils import display_for_field, display_for_value, lookup_field, quote
from django.db.models import DecimalField, Field, Model
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator, capfirst
from django.utils.translation import gettext as _

from billing_webhooks import wording

EMPTY = "-"
MAX_SHOWN = 200_000
MAX_NAME = 60

_UNPRINTABLE = re.compile(r"[^\n\t -~]")


def visible(text: str) -> str:
    r"""
    Return text with each character that has no shape of its own as `\uXXXX`.

    A mark that turns the direction of writing, a terminal's escape or a lone surrogate
    would otherwise change how its neighbours look, or break the page.
    """

    def escape(match: re.Match[str]) -> str:
        character = match[0]
        if character.isprintable():
            return character
        units = character.encode("utf-16-be", "surrogatepass")
        return "".join(rf"\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))

    return _UNPRINTABLE.sub(escape, text)


def show_marks(row: Model) -> None:
    """
    Let a row's texts be visible, in place: it is only to be shown any more.

    Django shows the columns of a row as they are.
    """
    key = row._meta.pk.attname
    for name, value in row.__dict__.items():
        if isinstance(value, str) and name != key:
            row.__dict__[name] = visible(value)


def preformatted(text: str) -> SafeString:
    """Return text as it stands, in a scrolling box; what is beyond MAX_SHOWN is left out."""
    return boxed(visible(text[:MAX_SHOWN]), is_cut=len(text) > MAX_SHOWN)


def boxed(content: str, *, is_cut: bool = False) -> SafeString:
    """Return preformatted content in a scrolling box, and under it whether it goes on."""
    box = format_html('<pre class="billing-webhooks-text" dir="ltr" tabindex="0">{}</pre>', content)
    if not is_cut:
        return box
    return format_html("{}<p>{}</p>", box, _("The rest is too long to be shown."))


def table(headings: Iterable[Any], rows: Iterable[Iterable[Any]]) -> SafeString:
    """Return a table that scrolls by itself where it is wider than the page."""
    return format_html(
        '<div class="billing-webhooks-table"><table><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>",
        format_html_join("", '<th scope="col">{}</th>', ((capfirst(each),) for each in headings)),
        format_html_join("", "<tr>{}</tr>", ((_cells(row),) for row in rows)),
    )


def _cells(row: Iterable[Any]) -> SafeString:
    return format_html_join("", '<td dir="auto">{}</td>', ((each,) for each in row))


def cell(site: AdminSite, row: Model, column: Any) -> Any:
    """Return what a list shows of a row: `column` is a field's name or a display function."""
    field, _attribute, value = lookup_field(column, row)
    if isinstance(value, Model):
        return link(site, value)
    return display_for_value(value, EMPTY) if field is None else shown(value, field)


def shown(value: Any, field: Field[Any, Any]) -> Any:
    """Return a field's value as a list shows it."""
    if isinstance(field, DecimalField):
        return number(value)
    if isinstance(value, str) and not field.choices:
        return visible(value) or EMPTY
    return display_for_field(value, field, EMPTY)


def number(value: Decimal | None) -> str:
    """Return a number as people read it."""
    return EMPTY if value is None else wording.number(value)


def link(site: AdminSite, row: Model) -> str:
    """Return a link to a row's page, or the row's name where the site has no such page."""
    return link_to(site, type(row), row.pk, visible(Truncator(row).chars(MAX_NAME)))


def link_to(site: AdminSite, model: type[Model], pk: Any, text: str) -> str:
    """Return a link to the page of the row that has a primary key."""
    return _anchor(site, model, "change", text, args=[quote(pk)])


def list_link(site: AdminSite, model: type[Model], query: Mapping[str, Any], text: str) -> str:
    """Return a link to a model's list under a filter or a search."""
    return _anchor(site, model, "changelist", text, query=query)


def _anchor(
    site: AdminSite,
    model: type[Model],
    page: str,
    text: str,
    *,
    args: Sequence[Any] = (),
    query: Mapping[str, Any] | None = None,
) -> str:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}"
    try:
        url = reverse(name, args=args, current_app=site.name)
    except NoReverseMatch:
        return text
    return format_html('<a href="{}">{}</a>', f"{url}?{urlencode(query)}" if query else url, text)
