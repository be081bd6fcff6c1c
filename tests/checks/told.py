"""What the system checks of this app say."""

from __future__ import annotations

from django.core.checks.registry import registry


def told(*, deploy: bool = False) -> dict[str, str]:
    """
    Return the messages of this app's checks by id; silenced ones are not said.

    Others' checks are not run: some of Django's own ask the database.
    """
    checks = registry.get_checks(include_deployment_checks=deploy)
    ours = [check for check in checks if check.__module__.startswith("billing_webhooks.")]
    return {
        str(message.id): f"{message.msg} {message.hint}"
        for check in ours
        for message in check(app_configs=None, databases=None)
        if not message.is_silenced()
    }
