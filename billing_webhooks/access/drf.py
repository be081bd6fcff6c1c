"""Endpoints of Django REST framework for those alone who have a plan; needs the extra `api`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException
from rest_framework.permissions import AND, OR, BasePermission
from rest_framework.request import Request

from billing_webhooks.access.views import STATUSES, Plans, answer_for, check_plans
from billing_webhooks.models import Plan


class PaymentRequired(APIException):
    """The answer 402; its detail says why."""

    status_code = HTTPStatus.PAYMENT_REQUIRED
    default_detail = _("Payment required.")
    default_code = "payment_required"


class HasPlan(BasePermission):
    """
    A permission for those who have anything; `HasPlan.of("pro")` for those who have a plan.

    The answer is `request.plan_answer`. It composes by `&`, `|` and `~`.
    """

    plans: ClassVar[Plans] = ()
    denied: ClassVar[int] = HTTPStatus.FORBIDDEN
    code = "plan_required"
    message: str | None = None

    @classmethod
    def of(cls, *plans: Plan | str, denied: int = HTTPStatus.FORBIDDEN) -> type[HasPlan]:
        """
        Return the permission for those who have any of these plans, or without one, anything.

        `denied` is 402 or 403. In a `|` it is 402 if what comes last says so. Raise
        ValueError for what is no name of a plan, ImproperlyConfigured for another status.
        """
        check_plans(plans)
        if denied not in STATUSES:
            raise ImproperlyConfigured(f"denied must be 402 or 403, not {denied!r}.")
        return type(cls.__name__, (cls,), {"plans": plans, "denied": denied})

    def has_permission(self, request: Request, view: Any) -> bool:
        answer = answer_for(request.user, self.plans)
        request.plan_answer = answer  # type: ignore[attr-defined]
        self.message = answer.reason
        if not answer and self._is_to_be_paid(request, view):
            raise PaymentRequired(answer.reason)
        return bool(answer)

    def _is_to_be_paid(self, request: Request, view: Any) -> bool:
        """Return whether paying is what it takes: neither signing in, nor another permission."""
        # None, where the project says that this is who has not signed in.
        user: Any = request.user
        return (
            self.denied == HTTPStatus.PAYMENT_REQUIRED
            and user is not None
            and user.is_authenticated
            and any(_decides(permission, self) for permission in view.get_permissions())
        )


def _decides(permission: Any, wanted: HasPlan) -> bool:
    """Return whether a permission is refused whenever this part of it is, once it is asked."""
    operation = type(permission)
    if operation is AND:
        return _decides(permission.op1, wanted) or _decides(permission.op2, wanted)
    if operation is OR:
        # The second is asked if the first has refused.
        return _decides(permission.op2, wanted)
    return operation is type(wanted)
