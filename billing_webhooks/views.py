"""
The endpoint: bytes become a Delivery, an outcome becomes a status code, nothing else.

It never reads `request.GET`, `request.POST`, `request.encoding` or `request.get_host()`:
content types, character sets and host names are the sender's, and say nothing here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ImproperlyConfigured
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    QueryDict,
)
from django.http.request import HttpHeaders
from django.utils import timezone
from django.utils.log import log_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from billing_webhooks import exceptions, intake
from billing_webhooks.conf import settings
from billing_webhooks.database import non_atomic
from billing_webhooks.lifecycle import Name, Step, tell
from billing_webhooks.logs import logger_of, said
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Delivery, Provider
from billing_webhooks.refusals import Refused, ledger

Answer = TypeVar("Answer", bound=HttpResponse)

# How a refusal is answered. Some senders repeat on anything but 200, others never.
STATUS: dict[type[exceptions.Refused], int] = {
    exceptions.NotAnEvent: 400,
    exceptions.NotProven: 401,
    exceptions.LengthRequired: 411,
    exceptions.TooLarge: 413,
    exceptions.UnsupportedEncoding: 415,
    exceptions.CannotVerifyNow: 503,
    exceptions.CannotStoreNow: 503,
}
RETRY_AFTER_SECONDS = "30"
CHUNK_BYTES = 64 * 1024
MAX_QUERY_FIELDS = 100


class Headers(Mapping[str, str]):
    """The headers of a request, looked up in its META: few of the many are asked for."""

    def __init__(self, meta: Mapping[str, Any]) -> None:
        # Of its own, because what may be secret is taken out of the request's.
        self._meta = dict(meta)

    def __getitem__(self, name: str) -> str:
        return str(self._meta[HttpHeaders.to_wsgi_name(name)])

    def __iter__(self) -> Iterator[str]:
        return iter(HttpHeaders(self._meta))

    def __len__(self) -> int:
        return len(HttpHeaders(self._meta))


class RefusalResponse(HttpResponse):
    """The answer to what is refused, which nobody else can give."""

    refuses_delivery = True


@csrf_exempt
@login_not_required
@sensitive_variables()
def receive(request: HttpRequest, alias: str, token: str = "") -> HttpResponse:
    """Answer one delivery to the provider configured under an alias."""
    began = time.perf_counter()
    delivery = _delivery(request, token)
    _hide_secrets(request, alias, delivery)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if alias not in settings.PROVIDERS:
        raise Http404
    try:
        provider = get_provider(alias)
        step = intake.accept(provider, _with_body(delivery, request, provider))
    except exceptions.Refused as refusal:
        return _refuse(request, alias, refusal, began)
    except ImproperlyConfigured as fault:
        # It says what is wrong; the variables on its way hold the whole configuration.
        fault = fault.with_traceback(None)
        unusable = exceptions.CannotStoreNow("misconfigured")
        return _refuse(request, alias, unusable, began, fault=fault)
    except Exception as fault:
        # No input may show an error page, and "send it again" is the safe thing to say.
        failed = exceptions.CannotStoreNow("internal_error")
        return _refuse(request, alias, failed, began, fault=fault)
    response = HttpResponse(status=200)
    if step.name is Name.QUARANTINED:
        response.status_code = 400 if provider.rejects_unreadable else 200
        _log(request, response, step, said(step.reason))
    return response


receive = non_atomic(receive)


def _delivery(request: HttpRequest, token: str) -> Delivery:
    """Return what the head of a request tells; its body is not read yet."""
    return Delivery(
        body=b"",
        received_at=timezone.now(),
        headers=Headers(request.META),
        query=_parameters(request),
        path_token=token.removesuffix("/"),
    )


def _with_body(delivery: Delivery, request: HttpRequest, provider: Provider) -> Delivery:
    body, truncated = _read_body(request, provider.max_body_bytes)
    return replace(delivery, body=body, truncated=truncated)


def _read_body(request: HttpRequest, limit: int) -> tuple[bytes, bool]:
    """
    Return at most `limit` bytes of body, and whether it is shorter than announced.

    Raise TooLarge beyond the limit and LengthRequired where the end cannot be told.
    """
    declared = _declared_length(request)
    if declared is not None and declared > limit:
        raise exceptions.TooLarge("too_large", f"len={declared}")
    stream = _stream(request, declared)
    body = bytearray()
    while len(body) <= limit:
        try:
            chunk = stream.read(min(CHUNK_BYTES, limit + 1 - len(body)))
        except Exception:
            # A body that breaks off is the sender's doing, and each server has errors of
            # its own for it; those of gunicorn about chunks are no OSError.
            return bytes(body), True
        if not chunk:
            return bytes(body), declared is not None and len(body) < declared
        body += chunk
    raise exceptions.TooLarge("too_large", f"len>{limit}")


def _stream(request: HttpRequest, declared: int | None) -> Any:
    environ = getattr(request, "environ", None)
    if environ is None or declared is not None:
        return request
    # Under WSGI Django takes a body without Content-Length to be empty. A chunked one
    # can be read if the server marks its end.
    # Source: Django ticket 35838.
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        if not environ.get("wsgi.input_terminated"):
            raise exceptions.LengthRequired("length_required")
        return environ["wsgi.input"]
    return request


def _parameters(request: HttpRequest) -> dict[str, str]:
    """Return the last value of each parameter, and none of a query with too many."""
    try:
        return dict(
            parse_qsl(
                request.META.get("QUERY_STRING", ""),
                keep_blank_values=True,
                max_num_fields=MAX_QUERY_FIELDS,
            )
        )
    except ValueError:
        return {}


def _declared_length(request: HttpRequest) -> int | None:
    text = request.META.get("CONTENT_LENGTH") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _refuse(
    request: HttpRequest,
    alias: str,
    refusal: exceptions.Refused,
    began: float,
    *,
    fault: Exception | None = None,
) -> HttpResponse:
    level = logging.WARNING if fault is None else logging.ERROR
    seconds = time.perf_counter() - began
    step = Step(Name.REJECTED, alias, reason=refusal.reason, seconds=seconds, level=level)
    tell(step)
    response = RefusalResponse(status=_status(refusal))
    if response.status_code == 503:
        response["Retry-After"] = RETRY_AFTER_SECONDS
    if response.status_code == 401:
        response["WWW-Authenticate"] = 'Basic realm="webhooks"'
    suppressed = _suppressed(request, alias, refusal)
    if suppressed is None:
        return unlogged(response)
    reason = f"{refusal} suppressed={suppressed}" if suppressed else str(refusal)
    _log(request, response, step, reason, fault)
    return response


def unlogged(response: Answer) -> Answer:
    """Return an answer of which Django says nothing in the log."""
    # What Django asks before it logs an answer.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _suppressed(request: HttpRequest, alias: str, refusal: exceptions.Refused) -> int | None:
    """Return how many like it were not logged, None if this one is not to be logged either."""
    address = request.META.get("REMOTE_ADDR", "")
    try:
        return ledger.note(Refused.now(alias, refusal.reason, address, _declared_length(request)))
    except Exception:
        # Who keeps the books must not change the answer.
        return 0


def _status(refusal: exceptions.Refused) -> int:
    # A provider may refuse with a subclass of its own.
    return next((STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS), 400)


def _log(
    request: HttpRequest,
    response: HttpResponse,
    step: Step,
    reason: str,
    fault: Exception | None = None,
) -> None:
    # Through Django's own function, which marks the response as logged: a line of its
    # own would be a second one.
    log_response(
        "webhook.%s provider=%s%s status=%d reason=%s len=%s ip=%s",
        str(step.name),
        step.provider,
        "" if step.event is None else f" event={step.event}",
        response.status_code,
        reason,
        _declared_length(request),
        request.META.get("REMOTE_ADDR", ""),
        response=response,
        request=request,
        logger=logger_of(step),  # type: ignore[arg-type]
        level=logging.getLevelName(step.level).lower(),
        exception=fault,
    )


def _hide_secrets(request: HttpRequest, alias: str, delivery: Delivery) -> None:
    """
    Take what may be a secret out of what Django and the server log of a request.

    The user of Basic userinfo is part of every server's usual access log. The slash at
    the end of the path keeps CommonMiddleware from offering a redirect.
    """
    request.META.pop("HTTP_AUTHORIZATION", None)
    if not (delivery.path_token or request.META.get("QUERY_STRING")):
        return
    hidden = f"/{alias}/.../"
    request.path = request.path_info = hidden
    request.GET = QueryDict()
    request.META.update({"PATH_INFO": hidden, "QUERY_STRING": ""})
    # Not taken away: gunicorn's access log needs RAW_URI, and cannot do without.
    request.META.update(
        {name: hidden for name in ("REQUEST_URI", "RAW_URI") if name in request.META}
    )
    # Of what an ASGI server calls, its access log tells afterwards.
    if (scope := getattr(request, "scope", None)) is not None:
        scope.update(path=hidden, raw_path=hidden.encode(errors="replace"), query_string=b"")
