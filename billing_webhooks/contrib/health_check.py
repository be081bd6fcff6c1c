"""A check for django-health-check, version 4; needs the extra `health-check`."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import Error, connections
from health_check.base import HealthCheck
from health_check.exceptions import ServiceUnavailable, ServiceWarning

from billing_webhooks.database import write_alias
from billing_webhooks.vitals import Problem, health


@dataclass
class BillingWebhooks(HealthCheck):  # type: ignore[misc]  # It has no types.
    """
    Whether events still come, are worked off and can be proven.

    With `broker`, Celery's broker is asked too, for half a second at most. What is said is
    what the problems are about, and no number: it may be shown to anybody.
    """

    broker: bool = False

    def run(self) -> None:
        try:
            problems = health(broker=self.broker).problems
        except Error as error:
            raise ServiceUnavailable("database") from error
        finally:
            # This thread is nobody's request, at whose end it would be closed.
            _close()
        if problems:
            raise ServiceWarning(", ".join(dict.fromkeys(map(_words, problems))))


def _words(problem: Problem) -> str:
    return f"{problem.about} ({problem.alias})" if problem.alias else problem.about


def _close() -> None:
    connection = connections[write_alias()]
    if not connection.in_atomic_block:
        connection.close()
