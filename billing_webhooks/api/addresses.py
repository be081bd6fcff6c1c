"""Which view answers at which address, and to which method."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, path

from billing_webhooks.api import billing, me
from billing_webhooks.api.events import Events
from billing_webhooks.database import non_atomic

ROW = "<str:provider>/<str:id>/"


def _list(name: str, view: Any) -> URLPattern:
    found: URLPattern = path(f"v1/{name}/", _view(view, name, "list"), name=f"{name}-list")
    return found


def _row(name: str, view: Any, action: str = "retrieve", row: str = ROW) -> URLPattern:
    end = "" if action == "retrieve" else f"{action}/"
    method = "post" if action in {"replay", "release"} else "get"
    here = _view(view, name, action, method, detail=True)
    found: URLPattern = path(f"v1/{name}/{row}{end}", here, name=f"{name}-{action}")
    return found


def _view(view: Any, name: str, action: str, method: str = "get", *, detail: bool = False) -> Any:
    basename = name.replace("/", "_")
    answering = view.as_view({method: action}, basename=basename, detail=detail)
    # Of a refused action its job is to remain.
    return answering if method == "get" else non_atomic(answering)


def _patterns() -> Iterator[URLPattern]:
    for name, view in {
        "customers": billing.Customers,
        "plans": billing.Plans,
        "subscriptions": billing.Subscriptions,
        "payments": billing.Payments,
        "usage": billing.Usage,
        "me/customers": me.MyCustomers,
        "me/subscriptions": me.MySubscriptions,
    }.items():
        yield _list(name, view)
        yield _row(name, view)
    yield _row("customers", billing.Customers, "explain")
    yield _list("events", Events)
    for action in ("retrieve", "replay", "release"):
        yield _row("events", Events, action, "<str:id>/")
    yield _list("me/usage", me.MyUsage)
    for action in ("access", "explain"):
        yield path(f"v1/me/{action}/", _view(me.MyAccess, "me", action), name=f"me-{action}")


urlpatterns = list(_patterns())
