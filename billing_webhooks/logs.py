"""
A line in the log for each step in the life of an event.

Each step has a logger of its own below `billing_webhooks.events`, so that a project can
silence one. What the line says is in the record's attributes, too, for a formatter that writes
JSON.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any

from billing_webhooks.harmless import HarmlessLogger
from billing_webhooks.lifecycle import Name, Step
from billing_webhooks.providers import told_type
from billing_webhooks.wording import printable

LOGGER = "billing_webhooks.events"
# Of each text, so that a whole line stays below 2 KB.
LONGEST_TEXT = 250
# What stands without quotes: no spaces, nothing that could be taken for another field.
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")
# What is wrong with them is most often to be found at who has sent them.
ANSWERED = {Name.REJECTED, Name.QUARANTINED}
_loggers = {name: logging.getLogger(f"{LOGGER}.{name}") for name in Name}


class LogObserver:
    """Writes each step into the log, but those that the view writes, with what is answered."""

    def hears(self, name: Name, level: int) -> bool:
        return name not in ANSWERED and _loggers[name].isEnabledFor(level)

    def told(self, step: Step) -> None:
        found = list(_facts(step))
        text = " ".join(f"{key}={said(value)}" for key, _, value in found)
        _loggers[step.name].log(
            step.level,
            "webhook.%s %s",
            step.name,
            text,
            extra={"step": str(step.name), **{name: value for _, name, value in found}},
            exc_info=step.error,
        )


# One, so that it is not told twice where Django is set up twice.
log_observer = LogObserver()


def logger_of(step: Step) -> HarmlessLogger:
    """Return the logger of a step, which gives each record the step's facts."""
    extra = {"step": str(step.name), **{name: value for _, name, value in _facts(step)}}
    return HarmlessLogger(_loggers[step.name], extra)


def _facts(step: Step) -> Iterator[tuple[str, str, Any]]:
    """
    Yield what is known: its name in the line and in the record, and its value.

    In a record `event` would be in the way of structlog, where it is the message.
    """
    texts = (
        ("provider", "provider", step.provider),
        ("event", "event_id", "" if step.event is None else str(step.event)),
        # The name of an unknown type would be the sender's text.
        ("type", "event_type", step.event_type and told_type(step.provider, step.event_type)),
        ("outcome", "outcome", step.outcome),
        ("receiver", "receiver", step.receiver),
        ("reason", "reason", step.reason),
    )
    for key, name, given in texts:
        if text := given[:LONGEST_TEXT]:
            yield key, name, text if text.isprintable() else printable(text)
    if step.attempts:
        yield "attempts", "attempts", step.attempts
    if step.count is not None:
        yield "count", "count", step.count
    for key, name, seconds in (
        ("ms", "duration_ms", step.seconds),
        ("since_received_ms", "since_received_ms", step.since_received),
    ):
        if seconds is not None:
            yield key, name, round(seconds * 1000, 1)


def said(value: str | float) -> str:
    """Return a value as it stands in a line: in quotes if it would not be one word."""
    text = str(value)
    if _PLAIN.fullmatch(text):
        return text
    quoted = json.dumps(text)
    return quoted if len(quoted) <= LONGEST_TEXT else quoted[:LONGEST_TEXT].rstrip("\\") + '"'
