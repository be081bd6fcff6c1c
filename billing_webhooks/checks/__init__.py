"""
System checks: each tells what to type. None touches the network or a database.

Every message is a warning, and an error of the same number under `check --deploy`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings as django_settings
from django.core.checks import ERROR, WARNING, CheckMessage, register

from billing_webhooks.checks.api import check_api
from billing_webhooks.checks.database import check_database
from billing_webhooks.checks.dispatch import check_dispatch
from billing_webhooks.checks.providers import check_providers
from billing_webhooks.checks.settings import check_settings
from billing_webhooks.checks.urls import check_urls

PREFIX = "billing_webhooks."
CHECKS = (check_settings, check_providers, check_dispatch, check_database, check_urls, check_api)

# What the check of this thread's present run has said.
_said = threading.local()


class Complaint(CheckMessage):
    """A warning of this package, which can be made an error of the same number."""

    def __init__(self, warning: CheckMessage) -> None:
        super().__init__(WARNING, warning.msg, warning.hint, warning.obj, warning.id)
        self.number = str(warning.id).removeprefix(f"{PREFIX}W")

    def harden(self) -> None:
        """Be an error from now on."""
        self.level = ERROR
        self.id = f"{PREFIX}E{self.number}"

    def is_silenced(self) -> bool:
        """Return whether SILENCED_SYSTEM_CHECKS holds either id."""
        ids = {f"{PREFIX}{letter}{self.number}" for letter in "WE"}
        return not ids.isdisjoint(django_settings.SILENCED_SYSTEM_CHECKS)


def complaints() -> list[CheckMessage]:
    """Return what this package has to say about the project's settings."""
    return [_as_complaint(message) for check in CHECKS for message in check()]


def _as_complaint(message: CheckMessage) -> CheckMessage:
    is_ours = str(message.id).startswith(f"{PREFIX}W")
    return Complaint(message) if is_ours else message


@register()
def check(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check whatever can be wrong in the project's settings."""
    _said.messages = complaints()
    return list(_said.messages)


@register(deploy=True)
def check_strictly(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Make errors of the warnings of this run: Django runs deployment checks after all others."""
    for message in _said.__dict__.pop("messages", []):
        if isinstance(message, Complaint):
            message.harden()
    return []
