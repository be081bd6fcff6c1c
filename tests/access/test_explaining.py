"""What a person at support reads, of the stories that are told most."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from billing_webhooks.explaining import Explanation, explain
from billing_webhooks.models import Customer, CustomerLink, Subscription, WebhookEvent
from tests.access import rows
from tests.access.rows import NOW, ago
from tests.conftest import PostBillaBear, PostKinde

pytestmark = pytest.mark.django_db

ADA = {"customer_id": "customer_ada"}
FIRST = {**ADA, "agreement_id": "agreement_1"}
SECOND = {**ADA, "agreement_id": "agreement_2"}
PRO = {"plan": {"code": "pro", "name": "Pro"}}
EVA = {
    "id": "0b1e5c1e-0000-4000-8000-000000000001",
    "email": "eva@example.org",
    "brand": "default",
    "is_disabled": False,
}
CREATED, FAILED, CANCELLED, CHANGED = (f"event_{number:032x}" for number in range(4))


def lines(explanation: Explanation) -> list[str]:
    return [line.strip() for line in str(explanation).splitlines()]


def verdict(explanation: Explanation) -> list[str]:
    return lines(explanation)[:2]


@pytest.fixture
def ada(post_kinde: PostKinde) -> Customer:
    created = {"occurred_at": ago(9), "event_id": CREATED}
    post_kinde("customer.agreement_created", FIRST | PRO, **created)
    return Customer.objects.get()


def of_eva(post_billabear: PostBillaBear, status: str, event: str = "subscription_updated") -> Any:
    subscription = {"id": EVA["id"], "plan_name": "Pro", "status": status}
    post_billabear(event, customer=EVA, subscription=subscription)
    return Customer.objects.get(email="eva@example.org")


class TestStories:
    def test_active(self, ada: Customer) -> None:
        told = explain(ada, "pro", at=NOW)
        assert verdict(told) == ["Yes: customer_ada may use pro.", "It is active."]
        assert told.notes == ()
        about = f"Subscription #{told.subscription_id} agreement_1: plan Pro (pro), active"
        assert about in lines(told)

    def test_register__names_its_event(self, ada: Customer) -> None:
        told = lines(explain(ada, "pro", at=NOW))
        arrived = WebhookEvent.objects.get().received_at
        (plan,) = {line for line in told if line.startswith("plan: ")}
        assert plan.startswith(
            f"plan: pro  <- customer.agreement_created {CREATED}, "
            f"occurred 2026-02-21 13:00:00+01:00, arrived {arrived.year}-"
        )

    def test_failed_payment__in_grace(self, ada: Customer, post_kinde: PostKinde) -> None:
        post_kinde("customer.payment_failed", FIRST, occurred_at=ago(2), event_id=FAILED)
        Subscription.objects.update(in_arrears_since=ago(2))
        told = explain(ada, "pro", at=NOW)
        assert verdict(told) == [
            "Yes: customer_ada may use pro.",
            "A payment failed, and the grace is not over. Access until 2026-03-07 13:00:00+01:00.",
        ]
        assert any(
            f"money: failed  <- customer.payment_failed {FAILED}" in it for it in lines(told)
        )

    def test_failed_payment__grace_over(self, ada: Customer, post_kinde: PostKinde) -> None:
        post_kinde("customer.payment_failed", FIRST, occurred_at=ago(8))
        Subscription.objects.update(in_arrears_since=ago(8))
        told = explain(ada, "pro", at=NOW)
        assert verdict(told) == [
            "No: customer_ada may not use pro.",
            "A payment failed, and the grace is over.",
        ]
        assert any("in arrears since 2026-02-22 13:00:00+01:00" in line for line in lines(told))

    def test_cancelled__and_paid_until(self, ada: Customer, post_kinde: PostKinde) -> None:
        paid = {"next_billing_date": "2026-03-20T00:00:00Z"}
        post_kinde("customer.payment_succeeded", FIRST | paid, occurred_at=ago(5))
        post_kinde("customer.agreement_cancelled", FIRST, occurred_at=ago(1))
        told = explain(ada, "pro", at=NOW)
        assert verdict(told) == [
            "Yes: customer_ada may use pro.",
            "It was cancelled, and the period that is paid is not over. "
            "Access until 2026-03-20 01:00:00+01:00.",
        ]

    def test_upgraded(self, ada: Customer, post_kinde: PostKinde) -> None:
        paid = {"next_billing_date": "2026-03-20T00:00:00Z"}
        team = {"plan": {"code": "team"}}
        post_kinde("customer.payment_succeeded", FIRST | paid, occurred_at=ago(5))
        post_kinde("customer.agreement_cancelled", FIRST, occurred_at=ago(1))
        started = ago(1) - timedelta(seconds=2)
        post_kinde("customer.agreement_created", SECOND | team, occurred_at=started)
        assert verdict(explain(ada, "pro", at=NOW)) == [
            "No: customer_ada may not use pro.",
            "It was cancelled, and another took its place.",
        ]
        assert explain(ada, "team", at=NOW).rule == "active"

    def test_pending_cancel(self, post_billabear: PostBillaBear) -> None:
        eva = of_eva(post_billabear, "pending_cancel", "subscription_cancelled")
        told = explain(eva, "Pro")
        assert (told.rule, told.granted) == ("cancelling_open", True)
        assert any("cancelling (pending_cancel)" in line for line in lines(told))

    def test_disabled(self, post_billabear: PostBillaBear) -> None:
        eva = of_eva(post_billabear, "active")
        post_billabear("customer_disabled", customer=EVA | {"is_disabled": True})
        told = explain(eva, "Pro")
        assert verdict(told)[1] == "The provider has disabled the customer."
        assert any(line.startswith("disabled: yes  <- customer_disabled") for line in lines(told))

    def test_no_link(self) -> None:
        assert verdict(explain(rows.user(), "pro")) == [
            "No: ada (ada@example.org) may not use pro.",
            "No customer is linked to the user.",
        ]

    def test_both_providers(self, ada: Customer, post_billabear: PostBillaBear) -> None:
        eva = of_eva(post_billabear, "active")
        told = explain(rows.user(ada, eva), at=NOW)
        assert verdict(told)[0] == "Yes: ada (ada@example.org) has access."
        assert [each.provider for each in told.customers] == ["kinde", "billabear"]
        assert sum("by hand" in line for line in lines(told)) == 2


class TestMissing:
    def test_plan__is_unknown(self, ada: Customer) -> None:
        told = explain(ada, "PRO", "prod", "xyz")
        assert told.notes == (
            'No plan is called "PRO". There is: pro.',
            'No plan is called "prod". There is: pro.',
            'No plan is called "xyz".',
            "What there is: Pro (pro).",
        )

    def test_cancellation__that_named_no_agreement(self, ada: Customer) -> None:
        Customer.objects.update(agreement_cancelled_at=ago(1))
        assert lines(explain(ada, "pro"))[-1] == (
            "A cancellation of 2026-03-01 13:00:00+01:00 named no agreement: which one it meant "
            "is not known, and it ended no subscription."
        )

    def test_cancellation__that_ended_the_customers_plan(self, ada: Customer) -> None:
        Customer.objects.update(agreement_cancelled_at=ago(1), plan_ended_at=ago(1))
        assert not any("named no agreement" in line for line in lines(explain(ada, "pro")))

    def test_events__that_are_not_applied(
        self, ada: Customer, post_kinde: PostKinde, settings: Any
    ) -> None:
        settings.BILLING_WEBHOOKS_DISPATCH = "deferred"
        for _ in range(2):
            post_kinde("customer.payment_failed", FIRST)
        WebhookEvent.objects.filter(pk=WebhookEvent.objects.earliest("pk").pk).update(
            state="dead", applied_at=None
        )
        post_kinde("customer.payment_failed", {"customer_id": "customer_bob"})
        assert lines(explain(ada, "pro"))[-1] == (
            "It may change: 3 events of the customer are not applied (1 dead, 2 pending)."
        )

    def test_events__that_only_their_receivers_failed(self, ada: Customer) -> None:
        WebhookEvent.objects.update(state="dead")
        assert "It may change" not in str(explain(ada, "pro"))

    def test_event__that_is_gone(self, ada: Customer) -> None:
        WebhookEvent.objects.all().delete()
        assert "an event that is not kept any more" in str(explain(ada, "pro"))


def test_explanation__is_json(ada: Customer) -> None:
    told = explain(rows.user(ada), "pro", at=NOW)
    read = json.loads(json.dumps(told.as_dict()))
    assert read["granted"] is True
    assert read["customers"][0]["subscriptions"][0]["rule"]["code"] == "active"
    (plan,) = [each for each in read["customers"][0]["registers"] if each["name"] == "plan_key"]
    assert plan["event"]["external_id"] == CREATED


def test_plan__may_be_a_row(ada: Customer) -> None:
    told = explain(ada, rows.plan("team"), at=NOW)
    assert told.plans == ("Team",)
    assert not told


def test_queries__do_not_grow(
    ada: Customer, post_kinde: PostKinde, django_assert_num_queries: Any
) -> None:
    who = rows.user(ada)
    with django_assert_num_queries(9):
        str(explain(who, "pro"))
    for number in range(3):
        other = {"customer_id": f"customer_{number}", "agreement_id": f"more_{number}"}
        post_kinde("customer.agreement_created", other | {"plan": {"code": f"plan_{number}"}})
    for other_customer in Customer.objects.exclude(pk=ada.pk):
        CustomerLink.objects.create(customer=other_customer, user=who)
    with django_assert_num_queries(9):
        assert len(explain(who, "pro").customers) == 4
