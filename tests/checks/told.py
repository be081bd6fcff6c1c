"""What the system checks of this app say."""

from __future__ import annotations

from django.core.checks import run_checks


def told(*, deploy: bool = False) -> dict[str, str]:
    """Return the messages of this app's checks by id; silenced ones are not said."""
    return {
        str(message.id): f"{message.msg} {message.hint}"
        for message in run_checks(include_deployment_checks=deploy)
        if str(message.id).startswith("billing_webhooks.") and not message.is_silenced()
    }
