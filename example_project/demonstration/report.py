"""What came of a history: counted in the database, printed, and compared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from django.db.models import Q, QuerySet

from billing_webhooks.explaining import explain
from billing_webhooks.models import (
    Customer,
    Invoice,
    Payment,
    ReceiverRun,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from example_project.demonstration.deliveries import Delivery, History
from example_project.demonstration.playing import Month
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


def show_rest(month: Month, answers: Mapping[int, int]) -> None:
    """Print how much else there was, and where support finds something to look into."""
    print("And so that one has to look for things, everybody else\n")
    rows = []
    for provider, others in month.others.items():
        deliveries = [*others, *month.trouble[provider]]
        answered = Counter(str(answers[id(each)]) for each in deliveries)
        states = Counter(each.get_state_display() for each in _events_of(provider, deliveries))
        rows.append([provider, str(len(deliveries)), _counts(answered), _counts(states)])
    _table(["provider", "deliveries", "answers", "events stored"], rows)
    print("\nwith trouble among it\n")
    found = Counter(each.story for group in month.trouble.values() for each in group)
    for state in (WebhookEvent.State.PENDING, WebhookEvent.State.DEAD):
        found[f"A receipt that could not be sent: {state.label}"] = _unsent(state)
    _table(["events", "what"], [[f"{count:6}", story] for story, count in found.items()])
    print()


def problems(month: Month, answers: Mapping[int, int]) -> Iterator[str]:
    """Yield a sentence for everything that is not as it must be."""
    deliveries = month.deliveries()
    for delivery in deliveries:
        if (answer := answers[id(delivery)]) != delivery.status:
            yield f"{delivery.event_type} was answered {answer} instead of {delivery.status}."
    new = [delivery for delivery in deliveries if delivery.is_new]
    events = list(WebhookEvent.objects.all())
    if sorted(bytes(event.body) for event in events) != sorted(each.body for each in new):
        yield "The events are not, byte for byte, the new ones of those sent."
    ends = {delivery.body: delivery.ends for delivery in new}
    for event in events:
        expected = ends.get(bytes(event.body), event.state)
        if event.state != expected:
            yield f"{event} is {event.state} instead of {expected}: {event.last_error}"
    for history in month.stories:
        yield from _wrong_story(history)


def _wrong_story(history: History) -> Iterator[str]:
    yield from _wrong_rows(history)
    if (signals := _signals(history)) != history.signals:
        yield f"The signals received are {dict(signals)} instead of {history.signals}."


def why(history: History) -> Iterator[str]:
    """Yield what support is told of the first customer."""
    customer = _customers(history)[0]
    yield f"manage.py billing_webhooks explain {customer.email}"
    yield ""
    yield from str(explain(customer)).splitlines()


def _unsent(state: WebhookEvent.State) -> int:
    """Return how many payments' events are in a state because of their receipt."""
    runs = ReceiverRun.objects.filter(receiver__endswith=".send_receipt", event__state=state)
    return runs.exclude(state=ReceiverRun.State.SUCCEEDED).count()


def _wrong_rows(history: History) -> Iterator[str]:
    customers = {each.email: _plan_and_status(each) for each in _customers(history)}
    if customers != history.customers:
        yield f"The customers are {customers} instead of {history.customers}."
    rows = {
        name: model._default_manager.filter(
            Q(customer=None) | Q(customer__in=_customers(history)), provider=history.provider
        ).count()
        for name, model in ENTRIES.items()
    }
    if rows != history.rows:
        yield f"The rows are {rows} instead of {history.rows}."


def _events(history: History) -> list[WebhookEvent]:
    return _events_of(history.provider, history.deliveries)


def _events_of(provider: str, deliveries: Sequence[Delivery]) -> list[WebhookEvent]:
    sent = {delivery.body for delivery in deliveries}
    events = WebhookEvent.objects.filter(provider=provider)
    return [event for event in events if bytes(event.body) in sent]


def _signals(history: History) -> Counter[str]:
    notices = Notice.objects.filter(event__in=_events(history))
    return Counter(notices.values_list("signal", flat=True))


def _customers(history: History) -> QuerySet[Customer]:
    known = Customer.objects.filter(provider=history.provider, email__in=history.customers)
    return known.order_by("pk")


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
