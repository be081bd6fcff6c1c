"""What was counted, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from django.db.models import Sum

from billing_webhooks.models import ReceiverRun
from tests.chaos.evidence import Evidence

LABEL_WIDTH = 44


def figures(evidence: Evidence, misfortunes: Counter[str]) -> dict[str, str]:
    """Return label → figure, in the order in which they are shown."""
    return {**_posted(evidence), **_worked(evidence), **_suffered(misfortunes)}


def table(figures: Mapping[str, str]) -> Iterator[str]:
    for label, figure in figures.items():
        yield f"  {label:<{LABEL_WIDTH}} {figure}"


def _posted(evidence: Evidence) -> dict[str, str]:
    answers = evidence.answers
    statuses = Counter(str(answer.status) if answer.status else answer.error for answer in answers)
    seconds = sorted(answer.ended - answer.began for answer in answers if answer.status == 200)
    unanswered = evidence.posted.keys() - evidence.answered
    return {
        "seconds of havoc": f"{evidence.havoc_seconds:.0f}",
        "seconds of calm until all was done": f"{evidence.calm_seconds:.1f}",
        "events": str(len(evidence.posted)),
        "posts": str(len(answers)),
        "duplicates answered 200": str(statuses["200"] - len(evidence.answered)),
        "answers": ", ".join(f"{status}: {number}" for status, number in sorted(statuses.items())),
        "answered 200 after, median and longest": _middle_and_last(seconds),
        "never answered 200, of a sender that does not repeat": str(len(unanswered)),
    }


def _worked(evidence: Evidence) -> dict[str, str]:
    waits = sorted(
        (row.processed_at - row.received_at).total_seconds()
        for row in evidence.rows
        if row.processed_at is not None
    )
    ends = sorted(row.processed_at for row in evidence.rows if row.processed_at is not None)
    gaps = [(later - sooner).total_seconds() for sooner, later in pairwise(ends)]
    attempts = [row.attempts for row in evidence.rows]
    calls = ReceiverRun.objects.aggregate(attempts=Sum("attempts"))["attempts"] or 0
    return {
        "events stored": str(len(attempts)),
        "stored until processed, median and longest": _middle_and_last(waits),
        "longest time in which none was processed": f"{max(gaps, default=0):.1f} s",
        "attempts, most for one event": f"{sum(attempts)}, {max(attempts, default=0)}",
        "calls of receivers, begun again": f"{calls}, {calls - ReceiverRun.objects.count()}",
    }


def _suffered(misfortunes: Counter[str]) -> dict[str, str]:
    return {
        "misfortunes": str(misfortunes.total()),
        **{f"  {name}": str(number) for name, number in sorted(misfortunes.items())},
    }


def _middle_and_last(ordered: Sequence[float]) -> str:
    return f"{ordered[len(ordered) // 2]:.2f} s, {ordered[-1]:.1f} s" if ordered else "-"
