"""What all views of the API have, whatever the project's settings of the framework say."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import OpenApiParameter
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from billing_webhooks.api import problems
from billing_webhooks.api.documenting import ID, PROVIDER, ProblemSchema
from billing_webhooks.api.etags import unless_known
from billing_webhooks.api.filters import StrictBackend
from billing_webhooks.api.paging import (
    CURSOR,
    LIMIT,
    NEWEST,
    OLDEST,
    ORDERING,
    KeysetPagination,
    Order,
)
from billing_webhooks.api.permissions import StaffWithPermissions
from billing_webhooks.api.problems import Code, Refusal
from billing_webhooks.api.rendering import ExactJSONRenderer, Negotiation
from billing_webhooks.api.throttling import OwnRateThrottle

if TYPE_CHECKING:
    ViewSet = GenericViewSet[Any]
else:
    ViewSet = GenericViewSet

PAGE = (LIMIT, CURSOR, ORDERING)


class BillingView(ViewSet):
    """
    A view of billing, for staff with the permissions that `needs` names by action.

    `parameters` are what an action's query may have, besides filters and pages, and `answers`
    the serializers of those actions whose answer is another than `serializer_class`.
    """

    needs: ClassVar[Mapping[str, Sequence[str]]] = {}
    parameters: ClassVar[Mapping[str, Sequence[OpenApiParameter]]] = {}
    answers: ClassVar[Mapping[str, Any]] = {}
    orders: ClassVar[Sequence[Order]] = (NEWEST, OLDEST)
    identifiers: ClassVar[Sequence[tuple[str, Any, str]]] = (PROVIDER, ID)
    filterset_class: ClassVar[Any] = None

    http_method_names = ["get", "head", "post"]
    permission_classes: Any = (StaffWithPermissions,)
    throttle_classes = (OwnRateThrottle,)
    throttle_scope = "billing_webhooks"
    renderer_classes = (ExactJSONRenderer,)
    parser_classes = (JSONParser,)
    content_negotiation_class = Negotiation
    pagination_class = KeysetPagination
    filter_backends = (StrictBackend,)
    versioning_class = None
    metadata_class = None
    schema = ProblemSchema()

    def get_serializer_class(self) -> Any:
        return self.answers.get(self.action, self.serializer_class)

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return problems.answer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action in self.action_map.values():
            self._check_parameters(request)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return response

    def known_parameters(self) -> Iterator[str]:
        """Yield what the query of this request may have."""
        yield from self.own_parameters()
        if self.action == "list":
            yield from PAGE
            yield from self.filterset_class.base_filters if self.filterset_class else ()

    def own_parameters(self) -> list[str]:
        return [each.name for each in self.parameters.get(self.action, ())]

    def _check_parameters(self, request: Request) -> None:
        known = list(self.known_parameters())
        if not request.query_params.keys() <= {*known}:
            told = f"Known are {', '.join(known)}." if known else "None are known here."
            raise Refusal(Code.UNKNOWN_PARAMETER, told)
        single = {*known} - {*self.own_parameters()}
        twice = {name for name in single if len(request.query_params.getlist(name)) > 1}
        if twice:
            errors = dict.fromkeys(sorted(twice), "It has to be given once.")
            raise Refusal(Code.INVALID_PARAMETER, errors=errors)


class Listed(BillingView):
    """A list, page by page."""

    def list(self, request: Request) -> Response:
        rows = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.get_serializer(rows, many=True).data)


class Retrieved(BillingView):
    """One row, with its entity tag."""

    def retrieve(self, request: Request, **names: str) -> Response:
        return unless_known(request, self.get_serializer(self.get_object()).data)

    def get_object(self) -> Any:
        if any("\0" in each for each in self.kwargs.values()):
            # PostgreSQL has no such text.
            raise Http404
        row = self.found(self.get_queryset(), **self.kwargs).first()
        if row is None:
            raise Http404
        self.check_object_permissions(self.request, row)
        return row

    def found(self, rows: QuerySet[Any], **names: str) -> QuerySet[Any]:
        """Return those of the rows that an address names: one or none."""
        raise NotImplementedError


def without_registers(rows: QuerySet[Any], *related: str) -> QuerySet[Any]:
    """Return the rows with those they refer to, in one query and without what can be large."""
    large = ["registers", *(f"{name}__registers" for name in related)]
    # Without a name, all that a row refers to would come.
    found = rows.select_related(*related) if related else rows
    return found.defer(*large)
