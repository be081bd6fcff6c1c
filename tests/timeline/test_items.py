"""What is told of a customer, in words that need no knowledge of the code."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from billing_webhooks.exceptions import GiveUp
from billing_webhooks.models import Customer, CustomerLink, Plan, Subscription, WebhookEvent
from billing_webhooks.pruning import prune
from billing_webhooks.signals import payment_failed, plan_changed
from tests.conftest import Connect, PostBillaBear, PostKinde, at
from tests.once import on_one_database
from tests.timeline.conftest import ADA, PRO, texts

on_one_database()

pytestmark = pytest.mark.django_db

PAST_DUE = (
    "subscription agreement_1: status: active → past due; "
    "in arrears since: nothing → 2026-03-02 12:00:00+01:00"
)


def test_changes__tell_status_plan_and_period_in_words(ada: Customer) -> None:
    told = texts(ada, "change")
    assert PAST_DUE in told
    assert "customer ada@example.org: plan: Pro → Max (customer_max)" in told
    [signed_up] = [text for text in told if text.startswith("subscription agreement_1 (new)")]
    assert "; plan: Pro; " in signed_up
    assert "current period end: 2026-04-01 02:00:00+02:00" in signed_up


def test_changes__tell_arrears_and_their_end(ada: Customer, post_kinde: PostKinde) -> None:
    post_kinde("customer.payment_succeeded", ADA, occurred_at=at("15:00"))
    told = [text for text in texts(ada, "change") if text.startswith("subscription")]
    assert told[0] == (
        "subscription agreement_1: status: past due → active; "
        "in arrears since: 2026-03-02 12:00:00+01:00 → nothing"
    )


def test_changes__tell_an_amount_with_unit_and_currency(ada: Customer) -> None:
    [payment] = [text for text in texts(ada, "change") if text.startswith("payment")]
    assert payment.startswith("payment payment_1 (new): amount: 12.50 EUR (unknown unit); ")


def test_changes__tell_a_cancellation(ada: Customer, post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_cancelled", ADA, occurred_at=at("15:00"))
    assert texts(ada, "change")[0] == (
        "subscription agreement_1: status: past due → cancelled; "
        "cancelled at: nothing → 2026-03-02 16:00:00+01:00"
    )


def test_changes__tell_a_cancellation_that_names_no_agreement(
    ada: Customer, post_kinde: PostKinde
) -> None:
    post_kinde(
        "customer.agreement_cancelled", {"customer_id": "customer_1"}, occurred_at=at("15:00")
    )
    assert texts(ada, "change")[0] == (
        "customer ada@example.org: agreement cancelled at: nothing → 2026-03-02 16:00:00+01:00; "
        "plan ended at: nothing → 2026-03-02 16:00:00+01:00"
    )


def test_event__that_names_the_agreement_alone_is_its_customer_s(
    ada: Customer, post_kinde: PostKinde
) -> None:
    post_kinde("customer.agreement_cancelled", {"agreement_id": "agreement_1"})
    assert "customer.agreement_cancelled" in texts(ada, "event")[0]


def test_changes__tell_of_billabear_too(post_billabear: PostBillaBear) -> None:
    customer = {"id": "0b1e5c1e-8a4f-4d0e-9a44-6c0b3d6c2f11", "email": None, "is_disabled": False}
    post_billabear("customer_created", customer=customer)
    post_billabear("customer_disabled", customer=customer | {"is_disabled": True})
    assert texts(Customer.objects.get(), "change")[0] == (
        "customer 0b1e5c1e-8a4f-4d0e-9a44-6c0b3d6c2f11: disabled: no → yes"
    )


def test_event__tells_what_arrived_and_what_came_of_it(ada: Customer) -> None:
    event = WebhookEvent.objects.get(event_type="customer.payment_failed")
    assert texts(ada, "event")[1] == (
        f"customer.payment_failed of kinde: applied "
        f"({event.external_id}, occurred at 2026-03-02 12:00:00+01:00, signed)"
    )


def test_item__of_an_event_comes_before_its_changes_and_its_runs(
    connect: Connect, ada: Customer, post_kinde: PostKinde
) -> None:
    connect(plan_changed, lambda **arguments: None, "shop.tell")
    post_kinde("customer.plan_changed", ADA | PRO, occurred_at=at("16:00"))
    kinds = [item.kind for item in ada.timeline(limit=1)]
    assert kinds == ["event", "change", "change", "run"]
    assert texts(ada, "run") == ["receiver shop.tell of plan_changed: succeeded"]


def test_run__that_gave_up_tells_why(
    connect: Connect, ada: Customer, post_kinde: PostKinde
) -> None:
    def fail(**arguments: Any) -> None:
        raise GiveUp("first line\nno address\x1b[31m")

    connect(payment_failed, fail, "shop.dun")
    post_kinde("customer.payment_failed", ADA, occurred_at=at("16:00"))
    [run] = texts(ada, "run")
    assert run == r"receiver shop.dun of payment_failed: given up: no address\x1b[31m"
    assert texts(ada, "event")[0].startswith("customer.payment_failed of kinde: applied, given up")


def test_event__that_waits_is_told(settings: Any, ada: Customer, post_kinde: PostKinde) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
    post_kinde("customer.agreement_cancelled", ADA)
    assert texts(ada, "event")[0].startswith("customer.agreement_cancelled of kinde: waiting (")


def test_event__that_was_given_up_before_it_was_applied_is_told(
    ada: Customer, post_kinde: PostKinde
) -> None:
    post_kinde("customer.meter_usage_updated", ADA | {"meter_id": "x" * 300})
    dead = texts(ada, "event")[0]
    assert dead.startswith(
        "customer.meter_usage_updated of kinde: given up after 1 attempt: The id at data.meter_id"
    )


def test_event__that_cannot_be_understood_is_told(ada: Customer) -> None:
    WebhookEvent.objects.filter(event_type="customer.plan_changed").update(
        state="quarantined", outcome="", last_error="no time\nno type"
    )
    told = texts(ada, "event")[0]
    assert told.startswith(
        "customer.plan_changed of kinde: kept, but not to be understood: no type"
    )


def test_event__that_newer_news_outran_says_so(ada: Customer, post_kinde: PostKinde) -> None:
    post_kinde("customer.payment_succeeded", ADA, occurred_at=at("10:30"))
    [late] = [each for each in texts(ada, "event") if "payment_succeeded" in each]
    assert "occurred at 2026-03-02 11:30:00+01:00" in late


def test_event__that_was_pruned_says_that_its_content_is_gone(ada: Customer) -> None:
    prune(older_than=timedelta())
    assert {item.kind for item in ada.timeline()} == {"event"}
    assert all("is no longer kept" in text for text in texts(ada, "event"))


def test_rows__that_are_gone_are_called_what_events_called_them(ada: Customer) -> None:
    Subscription.objects.all().delete()
    Plan.objects.all().delete()
    told = texts(ada, "change")
    assert "customer ada@example.org: plan: pro → customer_max" in told
    assert PAST_DUE in told


def test_rows__without_any_name_left_are_not_numbers(ada: Customer) -> None:
    event = WebhookEvent.objects.get(event_type="customer.plan_changed")
    for entry in event.changes:
        if "plan" in entry["fields"]:
            entry["fields"] = {"plan": [4_000_001, 4_000_002]}
    event.save()
    gone = "one that is no longer there"
    assert f"customer ada@example.org: plan: {gone} → {gone}" in texts(ada, "change")


def test_changes__of_another_release_are_told_as_they_are(ada: Customer) -> None:
    event = WebhookEvent.objects.get(event_type="customer.plan_changed")
    event.changes = [
        {
            "model": "coupon",
            "id": 1,
            "created": True,
            "fields": {"code": [None, "X"]},
            "signals": [],
        },
        {
            "model": "customer",
            "id": ada.pk,
            "created": False,
            "fields": {"mood": [None, "good\n"], "created_at": ["?", None]},
            "signals": [],
        },
        {"signals": ["integration_failed"], "data": {"integration": "crm", "code": ""}},
    ]
    event.save()
    assert texts(ada, "change")[:3] == [
        "coupon one that is no longer there (new): code: X",
        r"customer ada@example.org: created at: ? → nothing; mood: nothing → good\n",
        "integration_failed: integration: crm",
    ]


def test_changes__of_two_times_in_one_second_are_told_apart(ada: Customer) -> None:
    event = WebhookEvent.objects.get(event_type="customer.plan_changed")
    times = ["2026-03-02T10:00:00.100Z", "2026-03-02T10:00:00.200Z"]
    event.changes[-1]["fields"] = {"cancelled_at": times}
    event.save()
    assert texts(ada, "change")[2].endswith("cancelled at: {} → {}".format(*times))


def test_link__is_told(ada: Customer) -> None:
    user = get_user_model().objects.create(username="grace")
    link = CustomerLink.objects.create(customer=ada, user=user, resolver="shop.whose")
    CustomerLink.objects.filter(pk=link.pk).update(created_at=at("09:00"))
    *_others, told = ada.timeline()
    assert (told.kind, told.text, told.event) == (
        "link",
        "linked to user grace by shop.whose",
        None,
    )


def test_link__to_a_user_that_is_gone_is_told(ada: Customer) -> None:
    CustomerLink.objects.create(customer=ada, user_id=4711)
    assert texts(ada, "link") == ["linked to user one that is no longer there"]


def test_names__cannot_turn_the_text_around(post_kinde: PostKinde) -> None:
    name = "\u202eorP<script>"
    post_kinde("customer.plan_assigned", ADA | {"plan": {"code": "x", "name": name}})
    told = "".join(texts(Customer.objects.get(), "change"))
    assert "\u202e" not in told
    assert r"plan: \u202eorP<script> (x)" in told


def test_as_dict__is_json_with_all_that_a_program_wants(ada: Customer) -> None:
    page = json.loads(json.dumps(ada.timeline(limit=1).as_dict()))
    event, change = page["items"][0], page["items"][2]
    assert event["event"] == change["event"]
    assert event["data"]["type"] == "customer.plan_changed"
    assert change["data"]["model"] == "customer"
    assert change["data"]["signals"] == ["customer_changed"]
    assert list(change["data"]["fields"]) == ["plan"]
    assert page["next"]
