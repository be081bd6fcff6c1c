"""Views for those alone who have a plan, asked by real requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from asgiref.sync import async_to_sync, iscoroutinefunction
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import AsyncClient, Client

from billing_webhooks.access.views import PlanRequiredMixin, plan_required
from billing_webhooks.models import Customer
from tests.access.urls import async_page, page
from tests.conftest import PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db(transaction=True)

Get = Callable[..., Any]
KINDS = ("sync", "async", "sync-class", "async-class")
LOGIN = "/accounts/login/?next="

by_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def urls(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.access.urls"
    # It would send visitors to log in before they come to any view.
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "LoginRequired" not in name]


@pytest.fixture
def visitor() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def customer(post_kinde: PostKinde, visitor: User) -> Customer:
    """The visitor's, who has the plan "pro"."""
    post_kinde(
        "customer.agreement_created",
        {"customer_id": "customer_1", "agreement_id": "agreement_1", "plan": {"code": "pro"}},
    )
    customer = Customer.objects.get()
    customer.link(visitor)
    return customer


@pytest.fixture(params=["WSGI", "ASGI"])
def get(request: pytest.FixtureRequest) -> Get:
    """Ask for a page, perhaps as somebody, by the one kind of server or by the other."""

    def get(path: str, user: User | None = None) -> Any:
        client: Any = Client() if request.param == "WSGI" else AsyncClient()
        if user is not None:
            client.force_login(user)
        return client.get(path) if request.param == "WSGI" else async_to_sync(client.get)(path)

    return get


@by_kind
@pytest.mark.parametrize("denied", ["402", "403", "name"])
def test_allowed__is_let_in_and_told_why(
    get: Get, kind: str, denied: str, visitor: User, customer: Customer
) -> None:
    response = get(f"/{kind}/{denied}/here/", visitor)
    assert response.status_code == 200
    assert response.content.decode() == "Yes: It is active. ['name']"


@by_kind
@pytest.mark.parametrize("status", [402, 403])
def test_denied__by_a_status(get: Get, kind: str, status: int, visitor: User) -> None:
    response = get(f"/{kind}/{status}/here/", visitor)
    assert response.status_code == status


@by_kind
@pytest.mark.parametrize("who", ["visitor", "nobody"])
@pytest.mark.parametrize(
    ("denied", "target"),
    [
        ("name", "/prices/?next={here}"),
        ("lazy", "/prices/?next={here}"),
        ("address", "/prices/?from=here&next={here}"),
        ("elsewhere", "https://shop.example/buy/?next=http%3A//testserver{here}"),
    ],
)
def test_denied__sent_to_an_address(
    get: Get, kind: str, who: str, denied: str, target: str, visitor: User
) -> None:
    path = f"/{kind}/{denied}/here/?a=1"
    response = get(path, visitor if who == "visitor" else None)
    assert response.status_code == 302
    assert response["Location"] == target.format(here=quote(path))


@by_kind
@pytest.mark.parametrize("denied", ["402", "403"])
def test_nobody__is_sent_to_log_in(get: Get, kind: str, denied: str) -> None:
    response = get(f"/{kind}/{denied}/here/?a=1")
    assert response.status_code == 302
    assert response["Location"] == LOGIN + quote(f"/{kind}/{denied}/here/?a=1")


def test_nobody__is_sent_to_log_in_elsewhere_with_the_whole_address(
    get: Get, settings: Any
) -> None:
    settings.LOGIN_URL = "https://login.example/"
    response = get("/sync/402/here/")
    assert response["Location"].endswith(quote("http://testserver/sync/402/here/"))


def test_nobody__of_a_project_that_requires_login(settings: Any) -> None:
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE,
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
    assert Client().get("/sync/402/here/")["Location"].startswith(LOGIN)


@by_kind
def test_queries__one_for_the_plan_and_those_of_the_session(
    kind: str, visitor: User, customer: Customer, django_assert_num_queries: Any
) -> None:
    client = Client()
    client.force_login(visitor)
    with django_assert_num_queries(3):
        assert client.get(f"/{kind}/403/here/").status_code == 200


@by_kind
def test_queries__nobody_costs_none(kind: str, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert Client().get(f"/{kind}/403/here/").status_code == 302


@pytest.mark.parametrize("path", ["/anything/", "/anything-class/"])
def test_no_plan_named__whoever_has_anything_is_let_in(
    get: Get, path: str, visitor: User, customer: Customer
) -> None:
    assert get(path, visitor).status_code == 200
    customer.unlink(visitor)
    assert get(path, visitor).status_code == 403


@pytest.mark.parametrize("path", ["/method/", "/async-method/", "/as-view/", "/one-plan/"])
def test_decorated__methods_and_classes(
    get: Get, path: str, visitor: User, customer: Customer
) -> None:
    assert get(path, visitor).status_code == 200
    customer.unlink(visitor)
    assert get(path, visitor).status_code == 403
    assert get(path).status_code == 302


def test_denied_402__page_of_its_own_says_why_in_the_language(visitor: User) -> None:
    client = Client()
    client.force_login(visitor)
    page = client.get("/sync/402/here/").content.decode()
    assert '<html lang="en-us">' in page
    assert "No customer is linked to the user." in page


@pytest.mark.parametrize(
    ("status", "reason"), [(402, "{{ answer.reason }}"), (403, "{{ exception }}")]
)
def test_denied__page_of_the_project(
    visitor: User, settings: Any, status: int, reason: str
) -> None:
    text = f"{{{{ request.user }}}} has to pay: {reason}"
    loader = ("django.template.loaders.locmem.Loader", {f"{status}.html": text})
    [templates] = settings.TEMPLATES
    options = {**templates["OPTIONS"], "loaders": [loader]}
    settings.TEMPLATES = [{**templates, "APP_DIRS": False, "OPTIONS": options}]
    client = Client()
    client.force_login(visitor)

    response = client.get(f"/async/{status}/here/")
    assert response.status_code == status
    assert response.content.decode() == "ada has to pay: No customer is linked to the user."


def test_decorator__leaves_the_view_what_it_is() -> None:
    guarded, guarded_async = (plan_required("pro")(view) for view in (page, async_page))
    assert (guarded.__name__, guarded.__doc__) == (page.__name__, page.__doc__)
    assert [iscoroutinefunction(view) for view in (guarded, guarded_async)] == [False, True]


@pytest.mark.parametrize("plan", ["", None, page], ids=["empty", "none", "a view"])
def test_decorator__of_what_is_no_plan_is_an_error_at_once(plan: Any) -> None:
    with pytest.raises(ValueError, match="at least one plan"):
        plan_required(plan)


@pytest.mark.parametrize("denied", [200, 401, None])
def test_decorator__of_no_way_to_refuse_is_an_error_at_once(denied: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="402, 403"):
        plan_required("pro", denied=denied)


def test_mixin__by_default_anything_and_403() -> None:
    assert (PlanRequiredMixin.required_plans, PlanRequiredMixin.denied) == ((), 403)
