"""Look for whatever keeps events from arriving, and say what to do; the exit status tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from billing_webhooks.findings import Finding, Level
from billing_webhooks.management.options import base
from billing_webhooks.management.rendering import printable


def add_arguments(parser: CommandParser) -> None:
    parser.add_argument(
        "--url",
        type=base,
        metavar="URL",
        help="Where the world finds the endpoints, such as https://shop.example.com/webhooks/. "
        "They are then asked over the network, too.",
    )


def run(command: BaseCommand, options: Mapping[str, Any]) -> None:
    # Here, because it needs Django's test client, and no other operation does.
    from billing_webhooks.diagnosis import diagnose

    found: Counter[Level] = Counter()
    for finding in diagnose(options["url"]):
        found[finding.level] += 1
        command.stdout.write(_shown(finding))
    problems = found[Level.PROBLEM]
    if problems:
        raise CommandError("1 problem." if problems == 1 else f"{problems} problems.")
    command.stdout.write("No problem.")


def _shown(finding: Finding) -> str:
    line = f"{finding.level:<8} {printable(finding.what)}"
    return f"{line}\n{'':8} -> {printable(finding.advice)}" if finding.advice else line
