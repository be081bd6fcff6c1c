"""Middleware of a project that does to deliveries what it means for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import resolve

Next = Callable[[HttpRequest], HttpResponse]


def to_another_host(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(f"https://www.example.com{request.path}?key=a-secret")

    return middleware


def to_login(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        return HttpResponseRedirect(f"/accounts/login/?next={request.path}")

    return middleware


def shows_login_page(get_response: Next) -> Next:
    """Show the page at once, with 200, as if all were well."""

    def middleware(request: HttpRequest) -> HttpResponse:
        return HttpResponse("<form>…</form>")

    return middleware


def refusals_to_login(get_response: Next) -> Next:
    """Let the view answer, and then replace what it said."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        return HttpResponseRedirect("/login") if response.status_code >= 400 else response

    return middleware


def maintenance(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=503)

    return middleware


def reads_bodies(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        len(request.body)
        return get_response(request)

    return middleware


def up_to_100_kb(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> HttpResponse:
        is_large = int(request.META["CONTENT_LENGTH"]) > 100 * 1024
        return HttpResponse(status=413) if is_large else get_response(request)

    return middleware


def slows_down(get_response: Next) -> Next:
    """Let all pass but the first."""

    def middleware(request: HttpRequest) -> HttpResponse:
        asked.append(request.path)
        return HttpResponse(status=429) if len(asked) == 1 else get_response(request)

    return middleware


asked: list[str] = []


def fails(get_response: Next) -> Next:
    def middleware(request: HttpRequest) -> NoReturn:
        raise RuntimeError("a fault of the project's")

    return middleware


def cannot_be_built(get_response: Next) -> NoReturn:
    raise RuntimeError("a fault of the project's")


def adds_a_header(get_response: Next) -> Next:
    """Do nothing that matters."""

    def middleware(request: HttpRequest) -> HttpResponse:
        resolve(request.path)
        response = get_response(request)
        response["X-Served-By"] = "shop"
        return response

    return middleware


def without_exemption(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class CsrfForAll(CsrfViewMiddleware):
    """Ask for a token even where the view asks for none."""

    def process_view(self, request: HttpRequest, callback: Any, *args: Any) -> Any:
        return super().process_view(request, without_exemption, *args)
