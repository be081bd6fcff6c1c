"""How many statements events take together: it does not depend on how many they are."""

from __future__ import annotations

import pytest
from django.db import connection

from billing_webhooks.models import Plan
from billing_webhooks.processing import work
from billing_webhooks.sweeping import sweep
from tests.batching.backlogs import Backlog, customers, purchase, statements, states
from tests.conftest import PostKinde, at

pytestmark = pytest.mark.django_db(transaction=True)


def in_transaction(taken: list[str]) -> list[str]:
    """Return the statements of the last transaction."""
    last = len(taken) - taken[::-1].index("BEGIN")
    return taken[last : taken.index("COMMIT", last)]


@pytest.fixture(autouse=True)
def known(backlog: Backlog) -> None:
    backlog(*customers(60), events=1)
    sweep()


def test_one_event__takes_six_in_one_transaction(post_kinde: PostKinde) -> None:
    post_kinde("customer.payment_succeeded", purchase("customer_1", 2))
    taken = statements(lambda: work("kinde:customer:customer_1"))
    assert states() == {"processed": 61}
    # What was due, that it is tried, the event, its rows, what is written of them, and done.
    if connection.vendor == "postgresql":
        assert [each[:6] for each in taken].count("COMMIT") == 1
        assert len(taken) - len(["BEGIN", "COMMIT"]) == 6


@pytest.mark.parametrize("events", [1, 4])
def test_batch__takes_as_many_for_six_as_for_sixty(
    post_kinde: PostKinde, backlog: Backlog, events: int
) -> None:
    backlog(*customers(6), events=events + 1)
    few = statements(sweep)
    backlog(*customers(40), events=events + 1)
    many = statements(sweep)
    assert states().keys() == {"processed"}
    # SQLite takes fewer parameters in a statement than some batches have values.
    if connection.vendor != "sqlite":
        assert len(many) == len(few)
    if connection.vendor == "postgresql":
        assert len(many) <= 14
        assert len(in_transaction(many)) == 6


def test_plan_with_news__takes_one_more_in_a_batch(post_kinde: PostKinde) -> None:
    for customer in customers(2):
        named = {**purchase(customer, 2), "plan": {"code": "pro", "name": "Professional"}}
        post_kinde("customer.agreement_created", named, occurred_at=at("11:00"))
    taken = statements(sweep)
    assert Plan.objects.filter(name="Professional").count() == 1
    if connection.vendor == "postgresql":
        assert len(in_transaction(taken)) == 6 + 1


def test_newest__takes_eight(post_kinde: PostKinde) -> None:
    new = {"customer_id": "new", "agreement_id": "newer", "plan_code": "newest"}
    post_kinde("customer.plan_assigned", new)
    taken = statements(lambda: work("kinde:customer:new"))
    assert states() == {"processed": 61}
    # Its mailbox, its names and their rows; the subscription is written before the event.
    if connection.vendor == "postgresql":
        assert len(taken) - len(["BEGIN", "COMMIT"]) == 8


def test_newcomers__take_three_statements_more_for_all_of_them(backlog: Backlog) -> None:
    backlog(*(f"new_{each}" for each in range(20)), events=1)
    taken = statements(sweep)
    assert states() == {"processed": 80}
    if connection.vendor == "postgresql":
        assert len(in_transaction(taken)) == 6 + 3


def test_repeated_plan__is_not_written(post_kinde: PostKinde) -> None:
    before = Plan.objects.get().updated_at
    post_kinde("customer.payment_succeeded", purchase("customer_1", 2))
    sweep()
    assert Plan.objects.get().updated_at == before
