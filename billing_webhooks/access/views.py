"""Views for those alone who have a plan: a decorator, and a mixin for classes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from http import HTTPStatus
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.template import TemplateDoesNotExist, loader
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from billing_webhooks.access.users import User, billing_of
from billing_webhooks.models import Plan
from billing_webhooks.models.answers import Answer
from billing_webhooks.models.querysets import names_and_keys

if TYPE_CHECKING:
    from django.views.generic import View as Base
else:
    Base = object

View: TypeAlias = Callable[..., Any]
Plans: TypeAlias = Sequence[Plan | str]
Denied: TypeAlias = int | str | Promise

STATUSES = (HTTPStatus.PAYMENT_REQUIRED, HTTPStatus.FORBIDDEN)
PAGE = """<!doctype html>
<html lang="{}">
<head><title>{}</title></head>
<body><h1>{}</h1><p>{}</p></body>
</html>
"""


def plan_required(
    *plans: Plan | str, denied: Denied = HTTPStatus.FORBIDDEN
) -> Callable[[View], View]:
    """
    Return a decorator that lets in those who have any of these plans, or without one, anything.

    Others get 402 or 403, as `denied` says, and visitors who are not logged in are sent to
    log in. Where it is an address, or the name of one, all of them are sent there. The
    answer is `request.plan_answer`. Raise ValueError for what is no name of a plan, and
    ImproperlyConfigured for any other `denied`.
    """
    check_plans(plans)
    _check_denied(denied)

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):
            return _guarded_async(view, plans, denied)
        return _guarded(view, plans, denied)

    return decorate


class PlanRequiredMixin(Base):
    """
    A class-based view, sync or async, for those alone who have any of `required_plans`.

    Without one, for those who have anything. What `denied` is, `plan_required` says.
    """

    required_plans: Plans | str = ()
    denied: Denied = HTTPStatus.FORBIDDEN

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        plans = self.required_plans
        named = [plans] if isinstance(plans, str) else plans
        # A view whose handlers are async returns from here what is to be awaited.
        view = _awaiting(super().dispatch) if self.view_is_async else super().dispatch
        return plan_required(*named, denied=self.denied)(view)(request, *args, **kwargs)


def check_plans(plans: Plans) -> None:
    """Raise ValueError for what is no name of a plan; none at all is any."""
    if plans:
        names_and_keys(tuple(plans))


def _check_denied(denied: Denied) -> None:
    if not (isinstance(denied, str | Promise) or denied in STATUSES):
        raise ImproperlyConfigured(
            f"denied must be 402, 403, or an address or its name, not {denied!r}."
        )


def answer_for(user: User | None, plans: Plans) -> Answer:
    """Return whether a user has any of these plans, or without one, anything."""
    billing = billing_of(user)
    return billing.has_plan(*plans) if plans else billing.has_active_subscription()


def _guarded(view: View, plans: Plans, denied: Denied) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        refusal = _refusal(request, request.user, plans, denied)
        return view(request, *args, **kwargs) if refusal is None else refusal

    return guarded


def _guarded_async(view: View, plans: Plans, denied: Denied) -> View:
    @wraps(view)
    async def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        user = await request.auser()
        refusal = await sync_to_async(_refusal)(request, user, plans, denied)
        return await view(request, *args, **kwargs) if refusal is None else refusal

    return guarded


def _awaiting(view: View) -> Callable[..., Awaitable[Any]]:
    @wraps(view)
    async def awaiting(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = view(request, *args, **kwargs)
        return await response if isawaitable(response) else response

    return awaiting


def _refusal(
    request: HttpRequest,
    user: User,
    plans: Plans,
    denied: Denied,
) -> HttpResponseBase | None:
    """Return how a request is refused, None if it is not; raise PermissionDenied for 403."""
    answer = answer_for(user, plans)
    request.plan_answer = answer  # type: ignore[attr-defined]
    if answer:
        return None
    if isinstance(denied, str | Promise):
        return _sent(request, resolve_url(str(denied)))
    if not user.is_authenticated:
        return _sent(request, None)
    if denied == HTTPStatus.FORBIDDEN:
        raise PermissionDenied(answer.reason)
    return _payment_required(request, answer)


def _sent(request: HttpRequest, address: str | None) -> HttpResponseBase:
    """Send a visitor to an address, or to log in, which is told by `next` where to go then."""
    there = urlsplit(resolve_url(settings.LOGIN_URL) if address is None else address)
    is_elsewhere = there.netloc not in {"", request.get_host()}
    here = request.build_absolute_uri() if is_elsewhere else request.get_full_path()
    return redirect_to_login(here, address)


def _payment_required(request: HttpRequest, answer: Answer) -> HttpResponse:
    """Return the project's page 402.html, or one of our own."""
    try:
        template = loader.get_template("402.html")
    except TemplateDoesNotExist:
        title = _("Payment required")
        page: str = format_html(PAGE, get_language() or "en", title, title, answer.reason)
    else:
        page = template.render({"answer": answer}, request)
    return HttpResponse(page, status=HTTPStatus.PAYMENT_REQUIRED)
