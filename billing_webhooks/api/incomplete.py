"""What stands in for the API where what it needs is not installed; itself it needs nothing."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

PROBLEM = {
    "type": "urn:problem-type:billing-webhooks:not_installed",
    "title": "Not installed",
    "status": 503,
    "detail": "What this API needs is not installed: its operator is told by the system checks.",
    "code": "not_installed",
}


@csrf_exempt
@login_not_required
def unavailable(request: HttpRequest, **names: Any) -> JsonResponse:
    """Answer 503: from a 404 those who copy rows would learn that they are gone."""
    return JsonResponse(PROBLEM, status=503, content_type="application/problem+json")
