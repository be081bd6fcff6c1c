"""
What goes wrong, as problem details: a stable code and our own words, never the sender's.

Source: RFC 9457.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from billing_webhooks.database import is_transient

MEDIA_TYPE = "application/problem+json"
TYPE = "urn:problem-type:billing-webhooks:"
RETRY_AFTER_SECONDS = 5


class Code(StrEnum):
    UNKNOWN_PARAMETER = "unknown_parameter"
    INVALID_PARAMETER = "invalid_parameter"
    MALFORMED = "malformed"
    NOT_AUTHENTICATED = "not_authenticated"
    AUTHENTICATION_FAILED = "authentication_failed"
    CSRF_FAILED = "csrf_failed"
    PERMISSION_DENIED = "permission_denied"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NOT_ACCEPTABLE = "not_acceptable"
    NOT_POSSIBLE = "not_possible"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    THROTTLED = "throttled"
    UNAVAILABLE = "unavailable"
    REQUEST_FAILED = "request_failed"


@dataclass(frozen=True)
class Words:
    title: str
    detail: str


WORDS = {
    Code.UNKNOWN_PARAMETER: Words(
        "Unknown parameter", "The query has a parameter that this address does not know."
    ),
    Code.INVALID_PARAMETER: Words("Invalid parameter", "A parameter has no usable value."),
    Code.MALFORMED: Words("Malformed request", "The body of the request cannot be read."),
    Code.NOT_AUTHENTICATED: Words("Not authenticated", "Say who you are."),
    Code.AUTHENTICATION_FAILED: Words(
        "Authentication failed", "The credentials are not those of anybody who may sign in."
    ),
    Code.CSRF_FAILED: Words(
        "CSRF check failed", "A session may change something only with a CSRF token."
    ),
    Code.PERMISSION_DENIED: Words("Permission denied", "You may not do this."),
    Code.NOT_FOUND: Words("Not found", "There is no such thing, or it is not yours to see."),
    Code.METHOD_NOT_ALLOWED: Words(
        "Method not allowed", "This address has other methods: see the header Allow."
    ),
    Code.NOT_ACCEPTABLE: Words("Not acceptable", "The answers are application/json only."),
    Code.NOT_POSSIBLE: Words("Not possible", "This cannot be done as things stand."),
    Code.UNSUPPORTED_MEDIA_TYPE: Words(
        "Unsupported media type", "What is sent has to be application/json."
    ),
    Code.THROTTLED: Words("Too many requests", "Ask again later: see the header Retry-After."),
    Code.UNAVAILABLE: Words("Unavailable", "The database cannot be asked now; ask again later."),
    Code.REQUEST_FAILED: Words("Request failed", "The request was refused."),
}

# The first that it is an instance of.
CODES: Mapping[type[Exception], Code] = {
    exceptions.NotAuthenticated: Code.NOT_AUTHENTICATED,
    exceptions.AuthenticationFailed: Code.AUTHENTICATION_FAILED,
    exceptions.PermissionDenied: Code.PERMISSION_DENIED,
    exceptions.NotFound: Code.NOT_FOUND,
    exceptions.MethodNotAllowed: Code.METHOD_NOT_ALLOWED,
    exceptions.NotAcceptable: Code.NOT_ACCEPTABLE,
    exceptions.UnsupportedMediaType: Code.UNSUPPORTED_MEDIA_TYPE,
    exceptions.Throttled: Code.THROTTLED,
    exceptions.ParseError: Code.MALFORMED,
}
BY_STATUS = {403: Code.PERMISSION_DENIED, 404: Code.NOT_FOUND}


class Refusal(exceptions.APIException):
    """
    A problem in words of ours.

    `errors` says of parameters that we know what they take, and `reason` in a word why
    something cannot be done.
    """

    def __init__(
        self,
        code: Code,
        detail: str = "",
        *,
        errors: Mapping[str, str] | None = None,
        reason: str = "",
        status_code: int = status.HTTP_400_BAD_REQUEST,
    ) -> None:
        super().__init__(detail or WORDS[code].detail, str(code))
        self.code = code
        self.status_code = status_code
        self.errors = errors or {}
        self.reason = reason


def answer(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Return the answer to what a view raised, None for a fault of ours."""
    response = exception_handler(error, dict(context))
    if response is None:
        return _unavailable() if is_transient(error) else None
    code = _code(error, response.status_code)
    response.data = problem(code, response.status_code)
    if isinstance(error, Refusal):
        response.data |= _particulars(error)
    response.content_type = MEDIA_TYPE
    return response


def problem(code: Code, status_code: int) -> dict[str, Any]:
    """Return a problem as its code tells it."""
    words = WORDS[code]
    return {
        "type": f"{TYPE}{code}",
        "title": words.title,
        "status": status_code,
        "detail": words.detail,
        "code": str(code),
    }


def _code(error: Exception, status_code: int) -> Code:
    if isinstance(error, Refusal):
        return error.code
    # The framework has a text alone to tell it by, which goes on with what the sender said.
    is_csrf = isinstance(error, exceptions.PermissionDenied) and "CSRF Failed" in str(error)
    if is_csrf:
        return Code.CSRF_FAILED
    found = (code for kind, code in CODES.items() if isinstance(error, kind))
    return next(found, BY_STATUS.get(status_code, Code.REQUEST_FAILED))


def _particulars(error: Refusal) -> dict[str, Any]:
    told: dict[str, Any] = {"detail": str(error.detail)}
    if error.reason:
        told["reason"] = str(error.reason)
    if error.errors:
        told["errors"] = [
            {"parameter": name, "detail": detail} for name, detail in error.errors.items()
        ]
    return told


def _unavailable() -> Response:
    return Response(
        problem(Code.UNAVAILABLE, status.HTTP_503_SERVICE_UNAVAILABLE),
        status=status.HTTP_503_SERVICE_UNAVAILABLE,
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
        content_type=MEDIA_TYPE,
    )
