"""What BILLING_WEBHOOKS_USER_RESOLVER names in the tests: each asks what the test has made up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def nobody(customer: Any, event: Any) -> Any:
    return None


function: Callable[..., Any] = nobody


def whose(customer: Any, event: Any) -> Any:
    return function(customer, event)


async def whose_async(customer: Any, event: Any) -> Any:
    return await function(customer, event)
