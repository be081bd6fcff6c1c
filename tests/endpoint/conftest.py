"""What the tests of the endpoint share."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def deferred(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
