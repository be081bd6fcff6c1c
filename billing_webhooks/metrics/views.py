"""The page that Prometheus scrapes."""

from __future__ import annotations

import re

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_safe
from prometheus_client.exposition import choose_encoder

from billing_webhooks.conf import settings
from billing_webhooks.metrics.scraping import registry

PERMISSION = "billing_webhooks.view_webhookevent"
ASKED_VERSION = re.compile(r"version=([^;,]*)")
VERSION = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}")


# Exempt, so that another method is told that it is one.
@csrf_exempt
@login_not_required
@never_cache
@require_safe
def scrape(request: HttpRequest) -> HttpResponse:
    """
    Answer all metrics to who has the token, or is staff and may view events; 401 to others.

    Prometheus sends BILLING_WEBHOOKS_METRICS_TOKEN as `Authorization: Bearer …`.
    """
    if not (_has_token(request) or _is_operator(request)):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    encode, content_type = choose_encoder(_accepted(request))
    return HttpResponse(encode(registry()), content_type=content_type)


def _accepted(request: HttpRequest) -> str:
    """Return the header Accept, or nothing if it asks for a version that cannot be one."""
    accepted = request.headers.get("Accept", "")
    # prometheus-client takes what stands there for numbers, and repeats it.
    versions = ASKED_VERSION.findall(accepted)
    return accepted if all(VERSION.fullmatch(each.strip()) for each in versions) else ""


@sensitive_variables()
def _has_token(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    is_it = constant_time_compare(given.encode(errors="replace"), token)
    return bool(token) and scheme.lower() == "bearer" and is_it


def _is_operator(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return bool(user and user.is_staff and user.has_perm(PERMISSION))
