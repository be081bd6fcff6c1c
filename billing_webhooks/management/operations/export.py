"""Write rows as CSV or JSON, for spreadsheets and programs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Model, QuerySet

from billing_webhooks.database import write_alias
from billing_webhooks.exporting import FORMATS, export
from billing_webhooks.management.options import moment
from billing_webhooks.management.progress import Progress
from billing_webhooks.models import (
    Customer,
    Invoice,
    Job,
    Payment,
    Plan,
    ReceiverRun,
    Refusal,
    RefusalCount,
    Subscription,
    UsageRecord,
    WebhookEvent,
)

# The time of a row that --since is about; where an index has it, rows come in its order.
TIMES: dict[type[Model], str] = {
    WebhookEvent: "received_at",
    ReceiverRun: "updated_at",
    Customer: "updated_at",
    Plan: "updated_at",
    Subscription: "updated_at",
    Payment: "occurred_at",
    Invoice: "occurred_at",
    UsageRecord: "occurred_at",
    Job: "asked_at",
    Refusal: "at",
    RefusalCount: "last_at",
}
ORDERS: dict[type[Model], tuple[str, ...]] = {WebhookEvent: ("received_at", "id")}


def add_arguments(parser: CommandParser) -> None:
    names = sorted(each._meta.model_name or "" for each in _models())
    parser.add_argument("model", choices=names, metavar="MODEL", help=f"One of {', '.join(names)}.")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="csv unless given.")
    parser.add_argument("--provider", metavar="ALIAS", help="Rows of this alias.")
    parser.add_argument(
        "--since",
        type=moment,
        metavar="TIME",
        help="Received, changed or occurred then or later: 2026-03-02, or 2026-03-02T10:00+01:00.",
    )
    parser.add_argument(
        "--payloads",
        action="store_true",
        help="With what events say, as far as BILLING_WEBHOOKS_REDACT lets it be seen.",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="Into this file, which is there only once all is in it, and for its owner alone.",
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    model = apps.get_model("billing_webhooks", options["model"])
    if options["payloads"] and model is not WebhookEvent:
        raise CommandError("Only events have payloads: --payloads is for webhookevent.")
    parts = export(_rows(model, options), options["format"], payloads=options["payloads"])
    if options["output"] is None:
        for part in parts:
            command.stdout.write(part, ending="")
        return
    with Progress(command.stderr) as progress, _whole_file(options["output"]) as write:
        for number, part in enumerate(parts):
            write(part)
            progress.show(f"Wrote {number} rows.")


def _models() -> Iterator[type[Model]]:
    yield from apps.get_app_config("billing_webhooks").get_models()


def _rows(model: type[Model], options: Mapping[str, Any]) -> QuerySet[Any]:
    rows = model._base_manager.using(write_alias()).order_by(*ORDERS.get(model, ("pk",)))
    if options["provider"] is not None:
        if not any(field.name == "provider" for field in model._meta.concrete_fields):
            raise CommandError(f"Rows of {options['model']} are of no provider.")
        rows = rows.filter(provider=options["provider"])
    if options["since"] is not None:
        if model not in TIMES:
            raise CommandError(f"Rows of {options['model']} have no time: leave out --since.")
        rows = rows.filter(**{f"{TIMES[model]}__gte": options["since"]})
    return rows


@contextmanager
def _whole_file(path: Path) -> Iterator[Callable[[str], Any]]:
    """Yield a function that writes to a file which takes its name only when all went well."""
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
    try:
        with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
            yield file.write
        Path(name).replace(path)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
    finally:
        Path(name).unlink(missing_ok=True)
