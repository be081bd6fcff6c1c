"""What the tests of the doctor share: a project in which all is well, and what is found."""

from __future__ import annotations

from copy import deepcopy
from io import StringIO
from typing import Any, NamedTuple

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from billing_webhooks.models import Heartbeat
from billing_webhooks.testing import KindeIssuer


class Report(NamedTuple):
    """What the command has said, and its exit status."""

    status: int
    text: str

    def of(self, level: str) -> list[str]:
        """Return what was found at a level, each with its advice behind an arrow."""
        lines = self.text.replace("\n         -> ", " -> ").splitlines()
        return [line.split(maxsplit=1)[1] for line in lines if line.startswith(level)]

    @property
    def problems(self) -> list[str]:
        return self.of("problem")


def doctor(*arguments: str) -> Report:
    out = StringIO()
    try:
        call_command("billing_webhooks", "doctor", *arguments, stdout=out)
    except CommandError as error:
        return Report(error.returncode, out.getvalue())
    return Report(0, out.getvalue())


@pytest.fixture
def well(db: None, issuer: KindeIssuer, settings: Any) -> KindeIssuer:
    """A project that is swept, whose host is known and whose tenant can be reached."""
    settings.ALLOWED_HOSTS = ["testserver", "127.0.0.1", "shop.example.com"]
    # Copies, for tests to change.
    settings.MIDDLEWARE = [*settings.MIDDLEWARE]
    settings.BILLING_WEBHOOKS_PROVIDERS = deepcopy(settings.BILLING_WEBHOOKS_PROVIDERS)
    Heartbeat.objects.create(name="sweep", at=timezone.now())
    return issuer
