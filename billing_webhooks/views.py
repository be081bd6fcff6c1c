"""
The endpoint: bytes become a Delivery, an outcome becomes a status code, nothing else.

It never touches `request.POST`, `request.encoding` or `request.get_host()`: content
types, character sets and host names are the sender's, and say nothing here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.db import connections, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.request import UnreadablePostError
from django.utils import timezone
from django.utils.log import log_response
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from billing_webhooks import exceptions, intake
from billing_webhooks.providers import get_provider
from billing_webhooks.providers.base import Delivery, Provider

logger = logging.getLogger(__name__)

# How a refusal is answered. Kinde sends again on anything but 200, BillaBear never.
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


@csrf_exempt
@login_not_required
@sensitive_variables()
def receive(request: HttpRequest, alias: str, token: str = "") -> HttpResponse:
    """Answer one delivery to the provider configured under an alias."""
    if token or request.GET:
        _hide_secrets(request, alias)
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    try:
        provider = get_provider(alias)
    except KeyError:
        raise Http404 from None
    try:
        receipt = intake.accept(provider, _delivery(request, provider, token))
    except exceptions.Refused as refusal:
        return _refuse(request, alias, refusal)
    except Exception:
        # No input may show an error page, and "send it again" is the safe thing to say.
        logger.exception("A delivery to %s met a fault of ours.", alias)
        return _refuse(request, alias, exceptions.CannotStoreNow("internal_error"))
    if provider.rejects_unreadable and not receipt.is_readable:
        response = HttpResponse(status=400)
        _log(request, response, alias, "quarantined")
        return response
    return HttpResponse(status=200)


def _non_atomic(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """
    Keep a view out of ATOMIC_REQUESTS on every database.

    200 is to be sent after the commit, not before it.
    """
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


receive = _non_atomic(receive)


def _delivery(request: HttpRequest, provider: Provider, token: str) -> Delivery:
    received_at = timezone.now()
    body, truncated = _read_body(request, provider.max_body_bytes)
    return Delivery(
        body=body,
        received_at=received_at,
        headers={name.lower(): value for name, value in request.headers.items()},
        query=request.GET.dict(),
        path_token=token,
        truncated=truncated,
    )


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
    try:
        while chunk := stream.read(min(CHUNK_BYTES, limit + 1 - len(body))):
            body += chunk
            if len(body) > limit:
                raise exceptions.TooLarge("too_large", f"len>{limit}")
    except (UnreadablePostError, OSError):
        return bytes(body), True
    return bytes(body), declared is not None and len(body) < declared


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


def _declared_length(request: HttpRequest) -> int | None:
    text = request.META.get("CONTENT_LENGTH") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _refuse(request: HttpRequest, alias: str, refusal: exceptions.Refused) -> HttpResponse:
    response = HttpResponse(status=STATUS[type(refusal)])
    if response.status_code == 503:
        response["Retry-After"] = RETRY_AFTER_SECONDS
    if response.status_code == 401:
        response["WWW-Authenticate"] = 'Basic realm="webhooks"'
    _log(request, response, alias, str(refusal))
    return response


def _log(request: HttpRequest, response: HttpResponse, alias: str, reason: str) -> None:
    # Through Django's own function, which marks the response as logged: its own line
    # would hold the path, and with it perhaps the secret.
    log_response(
        "webhook.rejected provider=%s status=%d reason=%s len=%s ip=%s",
        alias,
        response.status_code,
        reason,
        _declared_length(request),
        request.META.get("REMOTE_ADDR", ""),
        response=response,
        request=request,
        logger=logger,
        level="warning",
    )


def _hide_secrets(request: HttpRequest, alias: str) -> None:
    """
    Take a secret in path or query out of what Django and others log of a request.

    `request.GET` was parsed before and stays. The slash at the end keeps
    CommonMiddleware from offering a redirect.
    """
    hidden = f"/{alias}/.../"
    request.path = request.path_info = hidden
    request.META.update({"PATH_INFO": hidden, "QUERY_STRING": ""})
    for name in ("REQUEST_URI", "RAW_URI"):
        request.META.pop(name, None)
