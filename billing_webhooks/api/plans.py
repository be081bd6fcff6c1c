"""The parameter that names plans, for questions about any of them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from billing_webhooks.api.problems import Code, Refusal

PLAN = "plan"
MOST = 20
LONGEST = 255

_NAMES: dict[str, Any] = {
    "type": "array",
    "items": {"type": "string", "minLength": 1, "maxLength": LONGEST},
    "maxItems": MOST,
}
PLANS = OpenApiParameter(
    PLAN,
    _NAMES,
    description="A plan's code, id or any other name; given several times, any of them. "
    "Without one the question is whether anything grants access.",
)


def plans_in(request: Request) -> list[str]:
    """Return the plans that a request names; raise Refusal for what is no name."""
    names = request.query_params.getlist(PLAN)
    if len(names) > MOST or any(not _is_name(name) for name in names):
        expected = f"It has to be a name of at most {LONGEST} characters, at most {MOST} times."
        raise Refusal(Code.INVALID_PARAMETER, errors={PLAN: expected})
    return names


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST and "\0" not in text
