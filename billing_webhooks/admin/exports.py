"""The actions "Export as CSV" and "Export as JSON" of every list."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from datetime import UTC
from itertools import islice
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ImproperlyConfigured
from django.core.handlers.asgi import ASGIRequest
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from billing_webhooks.admin.counting import capped_counts
from billing_webhooks.admin.paging import MAX_COUNTED
from billing_webhooks.exporting import FORMATS, columns, export
from billing_webhooks.models import WebhookEvent

logger = logging.getLogger("billing_webhooks.admin")

EXPORT = "billing_webhooks.export_rows"
VIEW_PAYLOAD = "billing_webhooks.view_payload"
CONFIRMED, FORMAT, PAYLOADS = "export_confirmed", "export_format", "export_payloads"
CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
EXPORTS: tuple[str, ...] = ("export_csv", "export_json")
# Each part costs a chunk of HTTP.
ROWS_PER_PART = 100


class Exports:
    """Rows of a list as a file, after a page that says what will be in it."""

    def has_export_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm(EXPORT))

    @admin.action(description=_("Export as CSV"), permissions=["export"])
    def export_csv(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponseBase | None:
        return _answer(self, request, rows, "csv")

    @admin.action(description=_("Export as JSON"), permissions=["export"])
    def export_json(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponseBase | None:
        return _answer(self, request, rows, "json")


def _answer(
    page: Any, request: HttpRequest, rows: QuerySet[Any], file_format: str
) -> HttpResponseBase | None:
    may_see = rows.model is WebhookEvent and request.user.has_perm(VIEW_PAYLOAD)
    if CONFIRMED not in request.POST:
        return _confirmation(page, request, rows, file_format, may_see=may_see)
    asked = request.POST.get(FORMAT, "")
    chosen = asked if asked in FORMATS else file_format
    payloads = may_see and PAYLOADS in request.POST
    try:
        # Asked now what else would be asked when half of it has been sent.
        parts = export(rows, chosen, payloads=payloads)
    except ImproperlyConfigured as error:
        page.message_user(request, str(error), messages.ERROR)
        return None
    _log(request, rows, chosen, payloads=payloads)
    return _download(request, rows, chosen, parts)


def _confirmation(
    page: Any, request: HttpRequest, rows: QuerySet[Any], file_format: str, *, may_see: bool
) -> TemplateResponse:
    keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
    is_across = request.POST.get("select_across") == "1"
    (count,) = capped_counts([rows], MAX_COUNTED)
    context = {
        **page.admin_site.each_context(request),
        "title": _("Export rows"),
        "opts": page.opts,
        "media": page.media,
        "count": count,
        "columns": columns(rows.model),
        "formats": FORMATS,
        "file_format": file_format,
        "offers_payloads": may_see,
        # Of those of all pages one is enough: an action wants to be about something.
        "keys": keys[:1] if is_across else keys,
        "select_across": int(is_across),
        "action": f"export_{file_format}",
        "back": request.get_full_path(),
        "names": {"key": ACTION_CHECKBOX_NAME, "format": FORMAT, "payloads": PAYLOADS}
        | {"confirmed": CONFIRMED},
    }
    request.current_app = page.admin_site.name
    return TemplateResponse(request, "admin/billing_webhooks/export.html", context)


def _log(request: HttpRequest, rows: QuerySet[Any], chosen: str, *, payloads: bool) -> None:
    is_across = request.POST.get("select_across") == "1"
    keys = request.POST.getlist(ACTION_CHECKBOX_NAME)
    logger.info(
        "User %s exports %s as %s, %s payloads: %s.",
        request.user.pk,
        rows.model._meta.model_name,
        chosen,
        "with" if payloads else "without",
        "all that a list has" if is_across else ", ".join(ascii(key)[1:-1][:255] for key in keys),
    )


def _download(
    request: HttpRequest, rows: QuerySet[Any], chosen: str, parts: Iterator[str]
) -> StreamingHttpResponse:
    joined = _joined(parts)
    content: Any = _asynchronous(joined) if isinstance(request, ASGIRequest) else joined
    now = timezone.now().astimezone(UTC)
    name = f"{rows.model._meta.model_name}-{now:%Y%m%d-%H%M%S}.{chosen}"
    return StreamingHttpResponse(
        content,
        content_type=CONTENT_TYPES[chosen],
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _joined(parts: Iterator[str]) -> Iterator[str]:
    while some := "".join(islice(parts, ROWS_PER_PART)):
        yield some


async def _asynchronous(parts: Iterator[str]) -> AsyncIterator[str]:
    """Yield the parts, made in the thread of the request: else Django would collect them all."""
    following = sync_to_async(lambda: next(parts, ""))
    while part := await following():
        yield part
