"""Pages that begin where the one before ended, in one of a few orders; nothing is counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db import DataError
from django.db.models import QuerySet
from drf_spectacular.plumbing import append_meta
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from billing_webhooks.api.problems import Code, Refusal
from billing_webhooks.database import savepoint_if_in_transaction
from billing_webhooks.models.keyset import Keyset, NoCursor

LIMIT, CURSOR, ORDERING = "limit", "cursor", "ordering"
DEFAULT_LIMIT = 50
MAX_LIMIT = 200


@dataclass(frozen=True)
class Order:
    """An order by an index; `requires` are the parameters without which it would have none."""

    name: str
    fields: Sequence[str]
    requires: frozenset[str] = frozenset()

    def suits(self, request: Request) -> bool:
        return self.requires <= request.query_params.keys()


NEWEST = Order("newest", ("-pk",))
OLDEST = Order("oldest", ("pk",))
# As a client reads on from what it has seen last.
UPDATED = Order("updated", ("updated_at", "pk"), frozenset({"updated_since"}))


class KeysetPagination(BasePagination):
    """Pages by a cursor; in which orders, the view's `orders` say: the first that suits."""

    following: str | None = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        limit = _limit(request)
        order = _order(request, view.orders)
        keyset = Keyset(queryset.model, order.fields)
        # Two lists may have places that look alike, and one's is none in the other.
        mark = f"{queryset.model._meta.model_name}.{order.name}."
        rows = _read(keyset, queryset, limit + 1, request.query_params.get(CURSOR), mark)
        if len(rows) > limit:
            self.following = _address(request, order, mark + keyset.cursor(rows[limit - 1]))
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.following, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        address = {
            "type": "string",
            "format": "uri-reference",
            "description": "The page after this one; null if this is the last.",
        }
        # OpenAPI 3.0, which a project's schema may be, says that otherwise than 3.1.
        address = append_meta(address, {"nullable": True})
        return {
            "type": "object",
            "required": ["next", "results"],
            "properties": {"next": address, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        limit = {
            "type": "integer",
            "minimum": 1,
            "maximum": MAX_LIMIT,
            "default": DEFAULT_LIMIT,
        }
        orders = {"type": "string", "enum": [order.name for order in view.orders]}
        return [
            _parameter(LIMIT, "How many at most.", limit),
            _parameter(CURSOR, "As `next` of a page has it.", {"type": "string"}),
            _parameter(ORDERING, _requirements(view.orders), orders),
        ]


def _read(
    keyset: Keyset, rows: QuerySet[Any], limit: int, cursor: str | None, mark: str
) -> list[Any]:
    try:
        place = None if cursor is None else keyset.place(_unmarked(cursor, mark))
        with savepoint_if_in_transaction(rows.db):
            return keyset.read(rows, limit, place)
    except (ValueError, OverflowError, DataError) as error:
        # No cursor, or values that a database cannot even be asked for.
        raise _invalid(CURSOR, "what `next` of a page in this order has") from error


def _unmarked(cursor: str, mark: str) -> str:
    if not cursor.startswith(mark):
        raise NoCursor("Of another list, or another order.")
    return cursor.removeprefix(mark)


def _limit(request: Request) -> int:
    text = request.query_params.get(LIMIT, str(DEFAULT_LIMIT))
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(MAX_LIMIT))
    if not (is_number and 1 <= int(text) <= MAX_LIMIT):
        raise _invalid(LIMIT, f"a whole number from 1 to {MAX_LIMIT}")
    return int(text)


def _order(request: Request, orders: Sequence[Order]) -> Order:
    usable = {order.name: order for order in orders if order.suits(request)}
    asked = request.query_params.get(ORDERING)
    if asked is None:
        return next(iter(usable.values()))
    if asked not in usable:
        raise _invalid(ORDERING, _requirements(orders))
    return usable[asked]


def _requirements(orders: Sequence[Order]) -> str:
    """Return the orders there are, in words."""
    told = []
    for order in orders:
        needed = " and ".join(f"`{name}`" for name in sorted(order.requires))
        told.append(f"`{order.name}`" + (f" (with {needed})" if needed else ""))
    return f"one of {', '.join(told)}"


def _address(request: Request, order: Order, cursor: str) -> str:
    # Of this host, whatever it is called outside.
    query = {**request.query_params.dict(), ORDERING: order.name, CURSOR: cursor}
    return f"{request.get_full_path().partition('?')[0]}?{urlencode(query)}"


def _invalid(name: str, expected: str) -> Refusal:
    return Refusal(Code.INVALID_PARAMETER, errors={name: f"It has to be {expected}."})


def _parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
