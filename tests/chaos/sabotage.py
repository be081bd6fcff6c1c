"""
Builds that are broken on purpose: what does not notice them proves nothing.

A build is a copy of the package with a few of its lines or functions replaced. Each must be
found exactly once, so that no later change of the package turns a sabotage into nothing.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import billing_webhooks

PACKAGE = Path(billing_webhooks.__file__).parent


class NotFound(Exception):
    """A sabotage names lines that the package does not have, or has more than once."""


@dataclass(frozen=True)
class Edit:
    module: str
    old: str
    new: str

    def made_in(self, text: str) -> str:
        if text.count(self.old) != 1:
            raise NotFound(f"{self.module} has {text.count(self.old)} times: {self.old!r}")
        return text.replace(self.old, self.new)


@dataclass(frozen=True)
class Redefinition:
    """A function that takes the place of the one of its name."""

    module: str
    name: str
    function: str

    def made_in(self, text: str) -> str:
        old = f"\ndef {self.name}("
        if text.count(old) != 1:
            raise NotFound(f"{self.module} has {text.count(old)} times: {old!r}")
        return f"{text}\n\n{self.function}"


@dataclass(frozen=True)
class Sabotage:
    """What is broken, and the checks of which one must notice."""

    what: str
    noticed_by: Sequence[str]
    edits: Sequence[Edit | Redefinition]


TURN_OF_EVERYBODY = """
@contextmanager
def turn(db, key, *, wait):
    with transaction.atomic(using=db):
        yield
"""
BEGIN_WHATEVER_IS_DUE = """
def begin(db, mailbox):
    event = due(db).filter(mailbox=mailbox).order_by("occurred_at", "sequence").first()
    if event is not None:
        event.attempts += 1
        event.attempt_began_at = timezone.now()
        WebhookEvent._base_manager.using(db).filter(pk=event.pk).update(
            attempts=event.attempts,
            attempt_began_at=event.attempt_began_at,
            next_attempt_at=DatabaseTime() + longest_wait(event.attempts),
        )
    return event
"""
CURRENT_FOR_EVERYBODY = """
def current(db, event):
    return pending(db).filter(pk=event.pk)

def _is_current(db, event):
    return current(db, event).exists()
"""

BEGIN_BESIDE_ANYBODY = """
def _begin_attempt(db, event, run):
    known, _ = ReceiverRun._base_manager.using(db).get_or_create(
        event=event, signal=run.signal, subject=run.subject, receiver=run.receiver
    )
    run.pk, run.attempts, run._state.adding = known.pk, known.attempts + 1, False
    run.save(using=db)
"""

SABOTAGES: Mapping[str, Sabotage] = {
    "acknowledge-first": Sabotage(
        "answers 200 and stores the event a moment later",
        ("every event answered 200 is stored",),
        [
            Edit(
                "intake.py",
                "    stored = store(event)\n",
                "    import threading\n"
                "    from django.db import connections\n"
                "    def store_later() -> None:\n"
                "        store(event)\n"
                "        connections.close_all()\n"
                "    threading.Timer(0.1, store_later).start()\n"
                "    stored = Stored.NEW\n",
            )
        ],
    ),
    "no-lock": Sabotage(
        "neither locks a mailbox nor asks who has begun",
        ("no receiver has counted an event twice", "a mailbox has one worker at a time"),
        [
            Redefinition("mailboxes.py", "turn", TURN_OF_EVERYBODY),
            Redefinition("attempts.py", "begin", BEGIN_WHATEVER_IS_DUE),
            Redefinition("attempts.py", "current", CURRENT_FOR_EVERYBODY),
            Redefinition("receivers.py", "_begin_attempt", BEGIN_BESIDE_ANYBODY),
        ],
    ),
    "settle-first": Sabotage(
        "marks an event as processed before it is applied and told",
        ("receivers have counted every processed event",),
        [
            Edit(
                "processing.py",
                "        if event.applied_at is None:\n",
                "        WebhookEvent._base_manager.using(db).filter(pk=event.pk).update(\n"
                "            state=WebhookEvent.State.PROCESSED\n"
                "        )\n"
                "        if event.applied_at is None:\n",
            ),
            Edit(
                "attempts.py",
                "    return pending(db).filter(pk=pk, attempts=number",
                "    return WebhookEvent._base_manager.using(db).filter(pk=pk, attempts=number",
            ),
            Edit(
                "attempts.py",
                "    changed = current(db, event).update(\n"
                "        attempt_began_at=None,\n        next",
                "    changed = current(db, event).update(\n"
                "        state=WebhookEvent.State.PENDING,\n"
                "        attempt_began_at=None,\n        next",
            ),
        ],
    ),
    "batch-marked-first": Sabotage(
        "marks the events of a batch as applied before they are",
        ("rows equal those of a quiet run",),
        [
            Edit(
                "batching/applying.py",
                "    known: dict[UUID, Reading] = {}\n",
                "    known: dict[UUID, Reading] = {}\n"
                "    WebhookEvent._base_manager.using(db).filter(\n"
                "        pk__in=[head.key for head in heads]\n"
                "    ).update(applied_at=timezone.now())\n",
            ),
            Edit(
                "batching/applying.py",
                '.filter(any_of("pk", keys), FRESH)',
                '.filter(any_of("pk", keys))',
            ),
        ],
    ),
    "last-arrival-wins": Sabotage(
        "lets old news that arrive late overwrite newer ones",
        ("rows equal those of a quiet run",),
        [
            Edit(
                "projection/registers.py",
                "            if (stamp > stands) if earliest else (stamp < stands):\n",
                "            if False:\n",
            )
        ],
    ),
}


def build(edits: Sequence[Edit | Redefinition], directory: Path) -> Path:
    """
    Return a copy of the package with these edits; raise NotFound.

    A copy even without edits: processes are started at any time, and the package may be
    worked on meanwhile.
    """
    copy = directory / PACKAGE.name
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in edits:
        path = copy / edit.module
        path.write_text(edit.made_in(path.read_text()))
    return copy
