"""Views of a project for those alone who have a plan, one of each kind."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, include, path, reverse_lazy
from django.utils.decorators import method_decorator
from django.views import View

from billing_webhooks.access.views import PlanRequiredMixin, plan_required

DENIED: dict[str, Any] = {
    "402": 402,
    "403": 403,
    "name": "prices",
    "address": "/prices/?from=here",
    "elsewhere": "https://shop.example/buy/",
    "lazy": reverse_lazy("prices"),
}


def page(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Say why the visitor was let in, and with what."""
    return HttpResponse(f"{request.plan_answer} {sorted(kwargs)}")  # type: ignore[attr-defined]


async def async_page(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return page(request, **kwargs)


class SyncView(PlanRequiredMixin, View):
    required_plans = ("pro", "team")

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return page(request, **kwargs)


class AsyncView(PlanRequiredMixin, View):
    required_plans = ("pro", "team")

    async def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        return page(request, **kwargs)


class DecoratedView(View):
    @method_decorator(plan_required("pro"))
    def get(self, request: HttpRequest) -> HttpResponse:
        return page(request)

    @method_decorator(plan_required("pro"))
    def post(self, request: HttpRequest) -> HttpResponse:
        return page(request)


class DecoratedAsyncView(View):
    @method_decorator(plan_required("pro"))
    async def get(self, request: HttpRequest) -> HttpResponse:
        return page(request)


class AnythingView(PlanRequiredMixin, View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return page(request)


class OnePlanView(AnythingView):
    required_plans = "pro"


def of_each_kind(name: str, denied: Any) -> list[URLPattern]:
    guard = plan_required("pro", "team", denied=denied)
    return [
        path(f"sync/{name}/<slug:name>/", guard(page)),
        path(f"async/{name}/<slug:name>/", guard(async_page)),
        path(f"sync-class/{name}/<slug:name>/", SyncView.as_view(denied=denied)),
        path(f"async-class/{name}/<slug:name>/", AsyncView.as_view(denied=denied)),
    ]


urlpatterns = [
    *(pattern for name, denied in DENIED.items() for pattern in of_each_kind(name, denied)),
    path("prices/", page, name="prices"),
    path("anything/", plan_required()(page)),
    path("anything-class/", AnythingView.as_view()),
    path("one-plan/", OnePlanView.as_view()),
    path("method/", DecoratedView.as_view()),
    path("async-method/", DecoratedAsyncView.as_view()),
    path("as-view/", plan_required("pro")(AsyncView.as_view())),
    path("webhooks/", include("billing_webhooks.urls")),
]
