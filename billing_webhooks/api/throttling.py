"""How often one may ask: rates of our own, unless the project's settings name the scope."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import ScopedRateThrottle
from rest_framework.views import APIView

logger = logging.getLogger(__name__)

RATES = {
    "billing_webhooks": "600/min",
    "billing_webhooks_me": "120/min",
    "billing_webhooks_actions": "60/min",
}


class OwnRateThrottle(ScopedRateThrottle):
    """
    By `throttle_scope` of the view; DEFAULT_THROTTLE_RATES, read live, goes before ours.

    Rates are counted in the default cache. While that is away nobody is refused: an answer is
    worth more than a count.
    """

    def allow_request(self, request: Request, view: APIView) -> bool:
        try:
            return super().allow_request(request, view)
        except (ImproperlyConfigured, KeyError, ValueError):
            # A rate that is none.
            raise
        except Exception as error:
            # Each cache has errors of its own.
            logger.warning("No rates are kept: %s of the cache.", type(error).__name__)
            return True

    def get_rate(self) -> str | None:
        rates: dict[Any, Any] = {**RATES, **(api_settings.DEFAULT_THROTTLE_RATES or {})}
        return rates[self.scope]  # type: ignore[no-any-return]
