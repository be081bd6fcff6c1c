"""Pages of a list that begin where the one before ended, in one of a few orders; no counting."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.core.paginator import Paginator
from django.db import DataError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.rendering import show_marks
from billing_webhooks.database import savepoint_if_in_transaction
from billing_webhooks.models.keyset import Keyset

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise

MAX_COUNTED = 10_000
ORDER, AFTER, BEFORE = "order", "after", "before"
# Where the session keeps the order that its user has chosen for each list.
REMEMBERED = "billing_webhooks_orders"


@dataclass(frozen=True)
class Ordering:
    """
    An order in which a list can be shown, by an index.

    `requires` is the filter, as the URL has it, without which it would make no sense, or
    would have no index.
    """

    name: str
    label: StrOrPromise
    fields: Sequence[Any]
    requires: Mapping[str, str] = field(default_factory=dict)

    def suits(self, query: Mapping[str, Sequence[str]]) -> bool:
        return all(list(query.get(name, ())) == [value] for name, value in self.requires.items())


NEWEST = Ordering("newest", _("newest first"), ("-pk",))
OLDEST = Ordering("oldest", _("oldest first"), ("pk",))


class CappedPaginator(Paginator):  # type: ignore[type-arg]
    """A paginator that stops counting at MAX_COUNTED, for what asks Django for one."""

    @cached_property
    def count(self) -> int:
        rows: QuerySet[Any] = self.object_list  # type: ignore[assignment]
        return rows.order_by()[:MAX_COUNTED].count()


class KeysetChangeList(ChangeList):
    """
    A list that reads one page and a row more, and so knows whether there are others.

    `result_count` is exact if the list is all on this page (not `multi_page`), else one
    more than what is shown: there are at least as many. `rows_before` and `rows_after` say
    whether there are pages before and after this one; what is before is sure only where
    that page was asked for by `before`.
    """

    model_admin: Any
    params: dict[str, Any]
    filter_params: dict[str, Any]
    keyset: Keyset
    offered: Sequence[Ordering]
    chosen: Ordering
    rows_before = rows_after = False

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name != ORDER}

    def get_filters(self, request: HttpRequest) -> Any:
        # Other filters and another search begin at the first page.
        for name in (AFTER, BEFORE):
            self.params.pop(name, None)
            self.filter_params.pop(name, None)
        if any("\0" in text for each in request.GET.lists() for text in (each[0], *each[1])):
            # PostgreSQL has no such text, and tells only when it is asked.
            raise IncorrectLookupParameters
        return super().get_filters(request)

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        self.chosen = self._chosen(request)
        fields = self.chosen.fields
        if self.params.get(ORDER_VAR) and (self.sortable_by is None or self.sortable_by):
            # A project has let its people sort by columns.
            fields = super().get_ordering(request, queryset)
        self.keyset = Keyset(self.model, fields)
        return self.keyset.order_by()

    def _chosen(self, request: HttpRequest) -> Ordering:
        self.offered = self.model_admin.get_orderings(request)
        usable = {each.name: each for each in self.offered if each.suits(self.filter_params)}
        label, asked = self.opts.label_lower, request.GET.get(ORDER, "")
        remembered = request.session.get(REMEMBERED, {})
        if asked not in usable:
            return usable.get(remembered.get(label), self.offered[0])
        if remembered.get(label) != asked and not usable[asked].requires:
            request.session[REMEMBERED] = {**remembered, label: asked}
        return usable[asked]

    def get_results(self, request: HttpRequest) -> None:
        try:
            with savepoint_if_in_transaction(self.queryset.db):
                rows = self._rows(request)
        except (ValueError, OverflowError, DataError) as error:
            # No cursor, or a filter by a value that the database cannot even be asked for.
            raise IncorrectLookupParameters from error
        # Of the rows as they are, because pages begin and end with them.
        self.ends = [copy(row) for row in [*rows[:1], *rows[-1:]]]
        for row in rows:
            show_marks(row)
        self.result_list: Any = rows
        self.multi_page = self.rows_before or self.rows_after
        self.result_count = len(rows) + self.multi_page
        # The search form tells how many were found where the two differ.
        is_told = self.is_narrowed() and not self.multi_page
        self.full_result_count = None if is_told else self.result_count
        self.show_full_result_count = self.can_show_all = self.show_all = False
        self.show_admin_actions = bool(rows)
        self.page_num = 1
        # For templates other than ours, which then show one page.
        self.paginator = Paginator(rows, max(len(rows), 1))

    def _rows(self, request: HttpRequest) -> list[Any]:
        after, before = (request.GET.get(name) for name in (AFTER, BEFORE))
        if before is not None and after is None:
            keyset = self.keyset.reversed()
            rows, self.rows_before = self._read(keyset, keyset.place(before))
            self.rows_after = True
            return rows[::-1]
        place = None if after is None else self.keyset.place(after)
        rows, self.rows_after = self._read(self.keyset, place)
        self.rows_before = place is not None
        return rows

    def _read(self, keyset: Keyset, place: Any) -> tuple[list[Any], bool]:
        rows = keyset.read(self.queryset, self.list_per_page + 1, place)
        return rows[: self.list_per_page], len(rows) > self.list_per_page

    @property
    def first_page(self) -> str | None:
        return self.get_query_string({ORDER: self.chosen.name}) if self.rows_before else None

    @property
    def previous_page(self) -> str | None:
        return self._page(BEFORE, self.ends[:1]) if self.rows_before else None

    @property
    def next_page(self) -> str | None:
        return self._page(AFTER, self.ends[-1:]) if self.rows_after else None

    def _page(self, side: str, rows: Sequence[Any]) -> str | None:
        """Return the query of the page on one side of a row, None without a row."""
        for row in rows:
            return self.get_query_string({ORDER: self.chosen.name, side: self.keyset.cursor(row)})
        return None

    @property
    def orders(self) -> list[dict[str, Any]]:
        """The orders to choose from, if there is a choice."""
        offered = list(self._orders())
        return offered if len(offered) > 1 else []

    def _orders(self) -> Iterator[dict[str, Any]]:
        for each in self.offered:
            changes = {**each.requires, ORDER: each.name, ORDER_VAR: None}
            query = self.get_query_string(changes)
            is_chosen = each == self.chosen and ORDER_VAR not in self.params
            yield {"label": each.label, "query": query, "is_chosen": is_chosen}

    def is_narrowed(self, besides: Sequence[str | None] = ()) -> bool:
        """Return whether there is a search, or a filter by any other parameter than these."""
        return bool(self.query or self.get_filters_params().keys() - {*besides})
