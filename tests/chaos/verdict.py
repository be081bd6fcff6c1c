"""What must be true afterwards: each check yields what is wrong, one line for a kind of fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from billing_webhooks.models import ReceiverRun, WebhookEvent
from billing_webhooks.rebuilding import rebuild
from tests.chaos.evidence import Evidence, name_of
from tests.chaos.project.models import Call, Tally
from tests.chaos.quiet import quiet_rows
from tests.snapshots import snapshot

# Of which types of events a receiver of these signals hears; None are all.
SIGNALS = {
    "event_processed": None,
    "payment_succeeded": ("customer.payment_succeeded", "payment_received"),
}
TALLY = "tests.chaos.project.receivers.tally"
# With a 503 they say that the reason was no outage.
FAULTS = ("reason=internal_error", "reason=not_stored")
SHOWN = 3


def answered_is_stored(evidence: Evidence) -> Iterator[str]:
    yield from some("answered 200 and not stored", evidence.answered - evidence.stored.keys())


def stored_is_what_was_posted(evidence: Evidence) -> Iterator[str]:
    twice = [name for name, times in evidence.stored.items() if times > 1]
    yield from some("stored more than once", twice)
    changed = [
        name_of(row)
        for row in evidence.rows
        if bytes(row.body) != evidence.posted.get(name_of(row))
    ]
    yield from some("stored with other bytes than were posted", changed)


def stored_is_processed(evidence: Evidence) -> Iterator[str]:
    states = Counter(row.state for row in evidence.rows)
    del states[WebhookEvent.State.PROCESSED]
    for state, number in states.items():
        yield f"{number} events are {state}"


def processed_is_counted(evidence: Evidence) -> Iterator[str]:
    calls = Counter(Call.objects.values_list("event_id", "signal"))
    for signal, types in SIGNALS.items():
        never = [
            row.pk
            for row in evidence.rows
            if row.state == WebhookEvent.State.PROCESSED
            and (types is None or row.event_type in types)
            and not calls[row.pk, signal]
        ]
        yield from some(f"processed and never counted by a receiver of {signal}", never)


def nothing_is_counted_twice(evidence: Evidence) -> Iterator[str]:
    calls = Counter(Call.objects.values_list("event_id", "signal", "subject"))
    yield from some("calls more than one", [call for call, times in calls.items() if times > 1])


def one_worker_at_a_time(evidence: Evidence) -> Iterator[str]:
    succeeded = ReceiverRun.objects.filter(
        receiver=TALLY, state=ReceiverRun.State.SUCCEEDED
    ).values_list("event__mailbox", flat=True)
    expected = Counter(succeeded)
    counted = dict(Tally.objects.values_list("mailbox", "count"))
    wrong = [
        f"{mailbox} counted to {counted.get(mailbox)} in {number} runs"
        for mailbox, number in expected.items()
        if counted.get(mailbox) != number
    ]
    yield from some("tallies are wrong", wrong)


def rows_are_those_of_a_quiet_run(evidence: Evidence) -> Iterator[str]:
    quiet = quiet_rows()
    for model, rows in snapshot().items():
        differing = (Counter(rows) - Counter(quiet[model])) + (
            Counter(quiet[model]) - Counter(rows)
        )
        yield from some(f"{model} rows differ from those of a quiet run", differing)


def rebuilt_rows_are_the_same(evidence: Evidence) -> Iterator[str]:
    for alias in ("kinde", "billabear"):
        rebuilt = rebuild(alias)
        yield from some(f"differences to a rebuild of {alias}", rebuilt.differences)
        yield from some(f"events of {alias} unreadable to a rebuild", rebuilt.unreadable)


def answers_are_explained(evidence: Evidence) -> Iterator[str]:
    if not evidence.is_everything_posted:
        yield "The senders could not post everything, although all was calm again"
    for status, missing in ((503, "database"), (0, "web")):
        unexplained = [
            f"{answer.event.provider} after {answer.ended - answer.began:.2f} s {answer.error}"
            for answer in evidence.answers
            if answer.status == status and not evidence.is_excused(answer, missing)
        ]
        what = f"answers {status}" if status else "posts without an answer"
        yield from some(f"{what} although nothing was missing", unexplained)
    others = [answer.status for answer in evidence.answers if answer.status not in {0, 200, 503}]
    yield from some("answers other than 200 and 503", others)


def nothing_failed_inside(evidence: Evidence) -> Iterator[str]:
    lines = evidence.web_log.read_text(errors="replace").splitlines()
    faulty = [line for line in lines if any(fault in line for fault in FAULTS)]
    yield from some("requests failed by a fault of ours", faulty)


Check = Callable[[Evidence], Iterator[str]]

CHECKS: Mapping[str, Check] = {
    "every event answered 200 is stored": answered_is_stored,
    "it is stored once, byte for byte": stored_is_what_was_posted,
    "every stored event is processed": stored_is_processed,
    "receivers have counted every processed event": processed_is_counted,
    "no receiver has counted an event twice": nothing_is_counted_twice,
    "a mailbox has one worker at a time": one_worker_at_a_time,
    "rows equal those of a quiet run": rows_are_those_of_a_quiet_run,
    "rows equal those of a rebuild": rebuilt_rows_are_the_same,
    "only outages cost an answer": answers_are_explained,
    "no request failed inside": nothing_failed_inside,
}


def some(what: str, found: Collection[object]) -> Iterator[str]:
    """Yield how many there are and the first few of them, nothing if there are none."""
    if found:
        shown = "; ".join(str(each)[:300] for each in list(found)[:SHOWN])
        yield f"{len(found)} {what}: {shown}"
