"""What is a warning on a desk keeps a deployment from going on."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.core import checks
from django.core.checks import ERROR, WARNING, CheckMessage, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from billing_webhooks.providers.billabear import BillaBearProvider
from tests.checks.told import told

# All checks run here, and some of Django's own ask the database.
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def mistakes(settings: Any) -> None:
    """One mistake the core tells, and one a provider does."""
    settings.PREPEND_WWW = True
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        "billabear": {"BACKEND": "billing_webhooks.providers.billabear.BillaBearProvider"}
    }


def ours(*, deploy: bool) -> list[CheckMessage]:
    messages = run_checks(include_deployment_checks=deploy)
    return [message for message in messages if "billing_webhooks." in str(message.id)]


def test_desk__warns() -> None:
    assert {message.id for message in ours(deploy=False)} == {
        "billing_webhooks.W015",
        "billing_webhooks.W201",
    }
    assert {message.level for message in ours(deploy=False)} == {WARNING}


def test_deployment__fails_by_the_same_numbers_and_says_each_once() -> None:
    messages = ours(deploy=True)
    assert sorted(str(message.id) for message in messages) == [
        "billing_webhooks.E015",
        "billing_webhooks.E201",
    ]
    assert {message.level for message in messages} == {ERROR}


def test_desk__warns_again_after_a_deployment() -> None:
    ours(deploy=True)
    assert {message.level for message in ours(deploy=False)} == {WARNING}


@pytest.mark.parametrize("letter", "WE")
@pytest.mark.parametrize("deploy", [False, True], ids=["desk", "deployment"])
def test_silenced__by_either_id(settings: Any, letter: str, deploy: bool) -> None:
    settings.SILENCED_SYSTEM_CHECKS = [
        f"billing_webhooks.{letter}015",
        f"billing_webhooks.{letter}201",
    ]
    assert told(deploy=deploy) == {}


def test_command__passes_on_a_desk_and_fails_a_deployment() -> None:
    call_command("check", stdout=StringIO(), stderr=StringIO())
    with pytest.raises(SystemCheckError, match=r"billing_webhooks\.E201"):
        call_command("check", deploy=True, stdout=StringIO(), stderr=StringIO())


class Careful(BillaBearProvider):
    """A provider of somebody else's, with messages of its own."""

    def check(self) -> list[CheckMessage]:
        return [checks.Warning("It rains.", id="careful.W001")]


def test_provider_of_somebody_else__keeps_its_own_ids(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {"careful": {"BACKEND": f"{__name__}.Careful"}}
    messages = run_checks(include_deployment_checks=True)
    assert [message.level for message in messages if message.id == "careful.W001"] == [WARNING]
