"""What has not changed since it was seen last is not sent again."""

from __future__ import annotations

import hashlib
from typing import Any

from django.utils.http import parse_etags
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from billing_webhooks.api.rendering import exact


def unless_known(request: Request, data: Any) -> Response:
    """Return the data with its entity tag; 304 if the request names that tag."""
    tag = f'"{hashlib.sha256(exact(data).encode()).hexdigest()[:32]}"'
    known = parse_etags(request.headers.get("If-None-Match", ""))
    if tag in known or f"W/{tag}" in known or "*" in known:
        return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
    return Response(data, headers={"ETag": tag})
