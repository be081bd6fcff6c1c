"""What came of a history: counted in the database, printed, and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from django.db.models import QuerySet

from billing_webhooks.explaining import explain
from billing_webhooks.models import (
    Customer,
    Invoice,
    Payment,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from example_project.demonstration.deliveries import History
from example_project.journal.models import Notice

ENTRIES = {"payments": Payment, "invoices": Invoice, "usage": UsageRecord}


def show(history: History, answers: Sequence[int]) -> None:
    """Print what was sent of one provider, how it was answered, and what came of it."""
    events = _events(history)
    states = Counter(event.get_state_display() for event in events)
    signals = _signals(history)
    print(f"{history.name} sends\n")
    _table(
        ["answer", history.detail_title, "type", "story"],
        [
            [str(answer), delivery.detail, delivery.event_type, delivery.story]
            for delivery, answer in zip(history.deliveries, answers, strict=True)
        ],
    )
    print("\nand this came of it\n")
    print(f"  deliveries sent    {len(answers)}")
    print(f"  answers            {_counts(Counter(map(str, answers)))}")
    print(f"  events stored      {len(events)}  ({_counts(states)})")
    print(f"  delivered twice    {sum(event.deliveries > 1 for event in events)}")
    print(f"  signals received   {signals.total()}  by the example project's receivers:")
    for signal, count in sorted(signals.items()):
        print(f"       {count:3}  {signal}")
    print()
    _table(
        ["customer", "plan", "status", "access", *ENTRIES],
        [_customer_row(customer) for customer in _customers(history)],
    )
    print()


def problems(history: History, answers: Sequence[int]) -> Iterator[str]:
    """Yield a sentence for everything that is not as it must be."""
    for delivery, answer in zip(history.deliveries, answers, strict=True):
        if answer != delivery.status:
            yield f"{delivery.event_type} was answered {answer} instead of {delivery.status}."
    events = _events(history)
    new = [delivery.body for delivery in history.deliveries if delivery.is_new]
    if sorted(bytes(event.body) for event in events) != sorted(new):
        yield f"The events of {history.name} are not, byte for byte, the new ones of those sent."
    for event in events:
        # Only what is proven but no event has no type.
        expected = event.State.PROCESSED if event.event_type else event.State.QUARANTINED
        if event.state != expected:
            yield f"{event} is {event.state} instead of {expected}: {event.last_error}"
    yield from _wrong_rows(history)
    if (signals := _signals(history)) != history.signals:
        yield f"The signals received are {dict(signals)} instead of {history.signals}."


def why(history: History) -> Iterator[str]:
    """Yield what support is told of the first customer."""
    customer = _customers(history)[0]
    yield f"manage.py billing_webhooks explain {customer.email}"
    yield ""
    yield from str(explain(customer)).splitlines()


def _wrong_rows(history: History) -> Iterator[str]:
    customers = {each.email: _plan_and_status(each) for each in _customers(history)}
    if customers != history.customers:
        yield f"The customers are {customers} instead of {history.customers}."
    rows = {
        name: model._default_manager.filter(provider=history.provider).count()
        for name, model in ENTRIES.items()
    }
    if rows != history.rows:
        yield f"The rows are {rows} instead of {history.rows}."


def _events(history: History) -> QuerySet[WebhookEvent]:
    return WebhookEvent.objects.filter(provider=history.provider)


def _signals(history: History) -> Counter[str]:
    notices = Notice.objects.filter(event__provider=history.provider)
    return Counter(notices.values_list("signal", flat=True))


def _customers(history: History) -> QuerySet[Customer]:
    return Customer.objects.filter(provider=history.provider).order_by("pk")


def _plan_and_status(customer: Customer) -> tuple[str, str]:
    """Return those of the subscription that is not over, else of the last one."""
    newest = Subscription.objects.filter(customer=customer).order_by("-started_at", "-pk")
    subscription = newest.exclude(status=Subscription.Status.CANCELLED).first() or newest.first()
    return (subscription.plan_name, subscription.status) if subscription else ("", "")


def _customer_row(customer: Customer) -> list[str]:
    entries = [model._default_manager.filter(customer=customer) for model in ENTRIES.values()]
    answer = customer.has_active_subscription()
    access = f"{'yes' if answer else 'no'}: {answer.rule}"
    counts = (str(each.count()) for each in entries)
    return [customer.email, *_plan_and_status(customer), access, *counts]


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in sorted(counted.items()))


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under titles, in columns."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    for cells in [titles, *rows]:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        print("  " + "  ".join(padded).rstrip())
