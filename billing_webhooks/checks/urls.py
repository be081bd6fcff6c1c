"""Whether the endpoints have an address, and whether Django redirects away from it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.urls import NoReverseMatch

from billing_webhooks.addresses import path_of

ANY_ALIAS = "any"


def check_urls() -> list[CheckMessage]:
    """Check that the URLs are included, and that nothing redirects what is posted to them."""
    # A process without URLs, such as a worker, serves no request.
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        path = path_of(ANY_ALIAS)
    except NoReverseMatch:
        return [
            checks.Warning(
                "The URLs of billing_webhooks are not included, so every delivery is answered 404.",
                hint="Add path('webhooks/', include('billing_webhooks.urls')) to the urlpatterns "
                "of ROOT_URLCONF.",
                id="billing_webhooks.W013",
            )
        ]
    return [*_check_redirect_to_tls(path), *_check_redirect_to_www()]


def _check_redirect_to_tls(path: str) -> Iterator[CheckMessage]:
    if not settings.SECURE_SSL_REDIRECT or settings.SECURE_PROXY_SSL_HEADER:
        return
    is_exempt = any(re.search(each, path.lstrip("/")) for each in settings.SECURE_REDIRECT_EXEMPT)
    if _is_installed("django.middleware.security.SecurityMiddleware") and not is_exempt:
        yield checks.Warning(
            "SECURE_SSL_REDIRECT is on and SECURE_PROXY_SSL_HEADER is not set: behind a proxy that "
            "ends TLS every delivery is redirected, and a redirected POST arrives as an empty GET, "
            "if at all.",
            hint="Set SECURE_PROXY_SSL_HEADER = ('HTTP_X_FORWARDED_PROTO', 'https') if your proxy "
            "sets that header itself. If your server ends TLS, or heeds that header, put this id "
            "into SILENCED_SYSTEM_CHECKS.",
            id="billing_webhooks.W014",
        )


def _check_redirect_to_www() -> Iterator[CheckMessage]:
    if settings.PREPEND_WWW and _is_installed("django.middleware.common.CommonMiddleware"):
        yield checks.Warning(
            "PREPEND_WWW is on, so what is posted to a host without 'www.' is redirected, and a "
            "redirected POST arrives as an empty GET, if at all.",
            hint="Set PREPEND_WWW = False and let your proxy redirect people. If the URLs that you "
            "gave to the providers begin with 'www.', put this id into SILENCED_SYSTEM_CHECKS.",
            id="billing_webhooks.W015",
        )


def _is_installed(middleware: str) -> bool:
    return middleware in settings.MIDDLEWARE
