"""Tell how the inbox stands; the exit status is 1 if somebody has to look at it, 2 if unknown."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from billing_webhooks.database import write_alias
from billing_webhooks.management.rendering import printable, shown
from billing_webhooks.vitals import AliasHealth, Health, health

SOMEBODY_HAS_TO_LOOK = 1
UNKNOWN = 2


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="All of it as one line of JSON, and nothing else."
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    found = _health()
    if options["json"]:
        command.stdout.write(json.dumps(found.as_json()))
        if found.problems:
            sys.exit(SOMEBODY_HAS_TO_LOOK)
        return
    command.stdout.write("\n".join(_lines(found)))
    if found.problems:
        texts = "\n".join(problem.text for problem in found.problems)
        raise CommandError(texts, returncode=SOMEBODY_HAS_TO_LOOK)


def _health() -> Health:
    try:
        return health(broker=True)
    except Error as error:
        # The class alone: the message may hold the database's address and user.
        text = f"The database {write_alias()!r} cannot be asked ({type(error).__name__})."
        raise CommandError(text, returncode=UNKNOWN) from error
    except ImproperlyConfigured as error:
        raise CommandError(str(error), returncode=UNKNOWN) from error


def _lines(found: Health) -> Iterator[str]:
    yield (
        f"{found.due} due, {found.pending} pending, {found.dead} dead, "
        f"{found.quarantined} in quarantine; last sweep: {_shown(found.last_sweep)}."
    )
    if found.broker_answers is not None:
        answer = "answers" if found.broker_answers else "does not answer"
        yield f"Celery: last sign of a worker: {_shown(found.last_work)}; the broker {answer}."
    yield from map(_line, found.aliases)


def _line(each: AliasHealth) -> str:
    keys = f"; keys of {shown(each.keys_fetched_at)}" if each.keys_fetched_at else ""
    return f"{printable(each.alias)}: last event: {_shown(each.rhythm.last_at)}{keys}."


def _shown(at: datetime | None) -> str:
    return "never" if at is None else shown(at)
