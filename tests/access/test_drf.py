"""Endpoints of Django REST framework for those alone who have a plan."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ImproperlyConfigured
from rest_framework.authentication import BasicAuthentication
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import BasePermission, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from billing_webhooks.access.drf import HasPlan
from billing_webhooks.models import Customer
from tests.conftest import PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

PAY = HasPlan.of("pro", "team", denied=402)
FORBID = HasPlan.of("pro", "team")


@pytest.fixture
def ada(post_kinde: PostKinde) -> User:
    """Who has the plan "pro"."""
    post_kinde("customer.plan_assigned", {"customer_id": "customer_1", "plan": {"code": "pro"}})
    ada = User.objects.create_user("ada")
    Customer.objects.get().link(ada)
    return ada


@pytest.fixture
def bob() -> User:
    """Who has nothing."""
    return User.objects.create_user("bob")


@pytest.fixture
def root() -> User:
    """Who has nothing to pay for, and may do everything."""
    return User.objects.create_superuser("root")


def get(*permissions: Any, user: User | None) -> Any:
    """Return the answer of an endpoint with these permissions."""

    class Endpoint(APIView):
        authentication_classes = (BasicAuthentication,)
        permission_classes = permissions

        def get(self, request: Request) -> Response:
            return Response()

    request = APIRequestFactory().get("/")
    if user is not None:
        force_authenticate(request, user)
    return Endpoint.as_view()(request)


@pytest.mark.parametrize(
    ("permission", "status", "code"),
    [
        (PAY, 402, "payment_required"),
        (FORBID, 403, "plan_required"),
        (HasPlan, 403, "plan_required"),
    ],
    ids=["402", "403", "anything"],
)
def test_permission__alone(
    ada: User, bob: User, permission: type[HasPlan], status: int, code: str
) -> None:
    assert get(permission, user=ada).status_code == 200
    refused = get(permission, user=bob)
    assert refused.status_code == status
    assert refused.data["detail"] == "No customer is linked to the user."
    assert refused.data["detail"].code == code


@pytest.mark.parametrize("permission", [PAY, FORBID, IsAuthenticated & PAY, PAY | IsAdminUser])
def test_permission__who_is_not_signed_in_is_told_to(permission: Any) -> None:
    refused = get(permission, user=None)
    assert (refused.status_code, refused.data["detail"].code) == (401, "not_authenticated")


class Never(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return False


@pytest.mark.parametrize(
    ("permission", "of_ada", "of_bob", "of_root"),
    [
        (IsAuthenticated & PAY, 200, 402, 402),
        (PAY & IsAuthenticated, 200, 402, 402),
        (PAY & IsAdminUser, 403, 402, 402),
        (IsAdminUser & PAY, 403, 403, 402),
        (IsAdminUser | PAY, 200, 402, 200),
        (PAY | IsAdminUser, 200, 403, 200),
        (FORBID | IsAdminUser, 200, 403, 200),
        ((IsAuthenticated & PAY) | IsAdminUser, 200, 403, 200),
        (IsAdminUser | (IsAuthenticated & PAY), 200, 402, 200),
        (HasPlan.of("gold", denied=402) | PAY, 200, 402, 402),
        (~PAY, 403, 200, 200),
        (~PAY | IsAdminUser, 403, 200, 200),
        (PAY & Never, 403, 402, 402),
    ],
    ids=[
        "signed in & pay",
        "pay & signed in",
        "pay & admin",
        "admin & pay",
        "admin | pay",
        "pay | admin",
        "forbid | admin",
        "(signed in & pay) | admin",
        "admin | (signed in & pay)",
        "pay | pay",
        "~pay",
        "~pay | admin",
        "pay & never",
    ],
)
def test_permission__composes(
    ada: User, bob: User, root: User, permission: Any, of_ada: int, of_bob: int, of_root: int
) -> None:
    statuses = [get(permission, user=user).status_code for user in (ada, bob, root)]
    assert statuses == [of_ada, of_bob, of_root]


def test_permission__one_after_the_other(ada: User, bob: User) -> None:
    assert get(IsAuthenticated, PAY, user=bob).status_code == 402
    assert get(PAY, Never, user=ada).status_code == 403
    assert get(PAY | IsAuthenticated, Never, user=bob).status_code == 403


def test_permission__of_a_function(ada: User, bob: User) -> None:
    @api_view(["GET"])
    @permission_classes([PAY])
    def endpoint(request: Request) -> Response:
        return Response({"rule": request.plan_answer.rule})  # type: ignore[attr-defined]

    for user, status in ((ada, 200), (bob, 402)):
        request = APIRequestFactory().get("/")
        force_authenticate(request, user)
        assert endpoint(request).status_code == status


def test_permission__is_one_query(ada: User, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        get(PAY, user=ada)


def test_permission__nobody_is_whom_the_project_says() -> None:
    request: Any = APIRequestFactory().get("/")
    for nobody in (None, AnonymousUser()):
        request.user = nobody
        assert not PAY().has_permission(request, APIView())


@pytest.mark.parametrize(
    ("plans", "denied", "error"), [(("",), 402, ValueError), (("pro",), 401, ImproperlyConfigured)]
)
def test_permission__of_what_cannot_be_is_an_error_at_once(
    plans: tuple[str], denied: int, error: type[Exception]
) -> None:
    with pytest.raises(error):
        HasPlan.of(*plans, denied=denied)


def test_without_the_framework__everything_else_can_be_imported() -> None:
    code = (
        "import sys, django; sys.modules['rest_framework'] = None; django.setup();"
        "import billing_webhooks.access, billing_webhooks.access.views"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
