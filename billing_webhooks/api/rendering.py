"""Answers as JSON in ASCII, with every number of a payload as it was sent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer


class NoOverride:
    """What the framework's negotiation asks for the name of a parameter: there is none."""

    URL_FORMAT_OVERRIDE = None


class Negotiation(DefaultContentNegotiation):
    """By the header Accept alone, whatever the project's settings say of the query."""

    settings: Any = NoOverride()

    def get_accept_list(self, request: Any) -> list[str]:
        # Proxies that remove the header leave an empty one behind, which asks for nothing.
        accepted = [each for each in super().get_accept_list(request) if each]
        return accepted or ["*/*"]


class ExactJSONRenderer(JSONRenderer):
    """JSON that does not depend on the project's settings of the framework."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else exact(data).encode("ascii")


def exact(value: Any) -> str:
    """
    Return a document as JSON; a Decimal is written as the number it was read from.

    What is no JSON at all is written as a text. It is ASCII, so it holds lone surrogates.
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError):
        return _exact(value)


def _exact(value: Any) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(str(key))}:{exact(each)}" for key, each in value.items())
        return f"{{{','.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(exact, value))}]"
    if isinstance(value, Decimal) and value.is_finite():
        return str(value)
    return json.dumps(str(value))
