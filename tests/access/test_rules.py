"""Every rule, at each of its edges."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from billing_webhooks.models import Customer, Subscription
from billing_webhooks.models.access import CUSTOMER_RULES, SUBSCRIPTION_RULES
from tests.access import rows
from tests.access.rows import DAY, MOMENT, NOW, ago

pytestmark = pytest.mark.django_db

# code: of a subscription with these columns and of this customer.
SUBSCRIPTIONS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("customer_disabled", {"status": "active"}, {"is_disabled": True}),
    (
        "customer_in_arrears",
        {"status": "active"},
        {"collection": "failed", "in_arrears_since": ago(7)},
    ),
    (
        "customer_in_arrears",
        {"status": "trialing"},
        {"collection": "overdue", "in_arrears_since": ago(7)},
    ),
    (
        "active",
        {"status": "active"},
        {"collection": "failed", "in_arrears_since": ago(7, more=-MOMENT)},
    ),
    ("active", {"status": "active"}, {"collection": "paid", "in_arrears_since": ago(99)}),
    ("cancelling_paid", {"status": "cancelling", "current_period_end": NOW + MOMENT}, {}),
    ("cancelling_over", {"status": "cancelling", "current_period_end": NOW}, {}),
    ("cancelling_open", {"status": "cancelling"}, {}),
    ("cancelling_open", {"status": "cancelling", "cancelled_at": ago(366, more=-MOMENT)}, {}),
    ("cancelling_over", {"status": "cancelling", "cancelled_at": ago(366)}, {}),
    ("cancelling_open", {"status": "cancelling", "counts_as_active": True}, {}),
    ("provider_active", {"status": "past_due", "counts_as_active": True}, {}),
    (
        "provider_active",
        {"status": "unpaid", "counts_as_active": True, "in_arrears_since": ago(99)},
        {},
    ),
    ("provider_inactive", {"status": "active", "counts_as_active": False}, {}),
    ("active", {"status": "active"}, {}),
    ("trialing", {"status": "trialing"}, {}),
    ("past_due_grace", {"status": "past_due"}, {}),
    ("past_due_grace", {"status": "past_due", "in_arrears_since": ago(7, more=-MOMENT)}, {}),
    ("past_due_over", {"status": "past_due", "in_arrears_since": ago(7)}, {}),
    ("unpaid_grace", {"status": "unpaid"}, {}),
    ("unpaid_grace", {"status": "unpaid", "in_arrears_since": ago(7, more=-MOMENT)}, {}),
    ("unpaid_over", {"status": "unpaid", "in_arrears_since": ago(7)}, {}),
    ("cancelled_paid", {"status": "cancelled", "current_period_end": NOW + MOMENT}, {}),
    ("cancelled_over", {"status": "cancelled", "current_period_end": NOW}, {}),
    ("cancelled_over", {"status": "cancelled"}, {}),
    (
        "cancelled_owing",
        {"status": "cancelled", "current_period_end": NOW + DAY, "in_arrears_since": ago(1)},
        {},
    ),
    ("paused", {"status": "paused"}, {}),
    ("unknown", {"status": "unknown"}, {}),
]

# code: of a customer with a plan, and these columns.
CUSTOMERS: list[tuple[str, dict[str, Any]]] = [
    ("customer_plan", {}),
    ("customer_plan", {"plan_ended_at": NOW + MOMENT}),
    ("customer_plan_ended", {"plan_ended_at": NOW}),
    ("customer_disabled", {"is_disabled": True}),
    ("customer_in_arrears", {"collection": "failed", "in_arrears_since": ago(7)}),
    ("customer_plan_grace", {"collection": "failed", "in_arrears_since": ago(7, more=-MOMENT)}),
    ("customer_plan_grace", {"collection": "overdue", "in_arrears_since": ago(7, more=-MOMENT)}),
    ("nothing", {"plan": None}),
]


def codes(rules: Any) -> set[str]:
    return {rule.code for rule in rules}


def test_tables__try_every_rule() -> None:
    tried = {code for code, *_ in SUBSCRIPTIONS}
    assert tried | {"cancelled_replaced"} == codes(SUBSCRIPTION_RULES)
    assert {code for code, _ in CUSTOMERS} == codes(CUSTOMER_RULES)


@pytest.mark.parametrize(("code", "columns", "of_customer"), SUBSCRIPTIONS)
def test_subscription__is_decided_by(
    code: str, columns: Mapping[str, Any], of_customer: Mapping[str, Any]
) -> None:
    owner = rows.customer(**of_customer)
    row = rows.subscription(owner=owner, plan=rows.plan("pro"), **columns)

    decided = Subscription.objects.with_access(NOW).get()
    answer = owner.has_plan("pro", at=NOW)

    assert decided.access_rule == code  # type: ignore[attr-defined]
    assert (answer.rule, answer.subscription_id) == (code, row.pk)
    assert Subscription.objects.granting_access(NOW).exists() is answer.granted


@pytest.mark.parametrize(("code", "columns"), CUSTOMERS)
def test_customer__is_decided_by(code: str, columns: Mapping[str, Any]) -> None:
    owner = rows.customer(**{"plan": rows.plan("pro"), **columns})

    answer = owner.has_plan("pro", at=NOW)

    assert (answer.rule, answer.subscription_id, answer.customer_id) == (code, None, owner.pk)
    assert Customer.objects.having_plan("pro", at=NOW).exists() is answer.granted


POLICIES: list[tuple[str, Any, dict[str, Any], str]] = [
    ("GRACE_FAILED_PAYMENT", timedelta(), {"status": "past_due"}, "past_due_grace"),
    (
        "GRACE_FAILED_PAYMENT",
        timedelta(),
        {"status": "past_due", "in_arrears_since": NOW},
        "past_due_over",
    ),
    (
        "GRACE_FAILED_PAYMENT",
        timedelta.max,
        {"status": "past_due", "in_arrears_since": ago(9999)},
        "past_due_grace",
    ),
    (
        "GRACE_OVERDUE_INVOICE",
        30 * DAY,
        {"status": "unpaid", "in_arrears_since": ago(29)},
        "unpaid_grace",
    ),
    (
        "UNTIL_PERIOD_END",
        False,
        {"status": "cancelled", "current_period_end": NOW + DAY},
        "cancelled_over",
    ),
    (
        "CANCELLING_LIMIT",
        DAY,
        {"status": "cancelling", "cancelled_at": ago(1)},
        "cancelling_over",
    ),
    ("BY_PROVIDER", False, {"status": "active", "counts_as_active": False}, "active"),
    ("BY_PROVIDER", False, {"status": "paused", "counts_as_active": True}, "paused"),
]


@pytest.mark.parametrize(("setting", "value", "columns", "code"), POLICIES)
def test_policy__is_read_when_asked(
    settings: Any, setting: str, value: Any, columns: Mapping[str, Any], code: str
) -> None:
    setattr(settings, f"BILLING_WEBHOOKS_ACCESS_{setting}", value)
    row = rows.subscription(**columns)

    assert Subscription.objects.with_access(NOW).get().access_rule == code  # type: ignore[attr-defined]
    assert row.customer is not None
    assert row.customer.has_active_subscription(at=NOW).rule == code


def test_policy__disabled_customers(settings: Any) -> None:
    settings.BILLING_WEBHOOKS_ACCESS_OF_DISABLED_CUSTOMERS = True
    owner = rows.customer(is_disabled=True)
    rows.subscription("active", owner)
    by_itself = rows.customer(is_disabled=True, plan=rows.plan("pro"))

    assert owner.has_active_subscription(at=NOW)
    assert by_itself.has_plan("pro", at=NOW)


class TestReplaced:
    """A change of plan cancels the old agreement, paid ahead, and starts the new one."""

    def old(self, owner: Customer, **columns: Any) -> Subscription:
        return rows.subscription(
            "cancelled",
            owner,
            **{"cancelled_at": ago(1), "current_period_end": NOW + DAY, **columns},
        )

    def rule(self, row: Subscription) -> str:
        found = Subscription.objects.with_access(NOW).get(pk=row.pk)
        return str(found.access_rule)  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("started_at", "code"),
        [
            (ago(1) - timedelta(minutes=5), "cancelled_replaced"),
            (ago(1) - timedelta(minutes=5) - MOMENT, "cancelled_paid"),
            (ago(1), "cancelled_replaced"),
            (ago(1) + timedelta(minutes=5), "cancelled_replaced"),
            # What is bought later does not cut short what was paid.
            (ago(1) + timedelta(minutes=5) + MOMENT, "cancelled_paid"),
            (None, "cancelled_paid"),
        ],
    )
    def test_old__by_one_that_began_when_it_ended(self, started_at: Any, code: str) -> None:
        owner = rows.customer()
        old = self.old(owner)
        rows.subscription("active", owner, started_at=started_at)
        assert self.rule(old) == code

    def test_old__by_one_that_ended_later(self) -> None:
        owner = rows.customer()
        old = self.old(owner, started_at=ago(1) - MOMENT)
        new = self.old(owner, started_at=ago(1), cancelled_at=ago(1) + MOMENT)
        assert [self.rule(old), self.rule(new)] == ["cancelled_replaced", "cancelled_paid"]

    def test_old__not_by_somebody_elses(self) -> None:
        old = self.old(rows.customer())
        rows.subscription("active", started_at=ago(1))
        assert self.rule(old) == "cancelled_paid"


class TestCustomerByItself:
    @pytest.mark.parametrize("of_subscription", ["pro", None])
    def test_plan__is_the_subscriptions_where_one_may_be_about_it(
        self, of_subscription: str | None
    ) -> None:
        pro = rows.plan("pro")
        owner = rows.customer(plan=pro)
        rows.subscription("cancelled", owner, plan=pro if of_subscription else None)
        answer = owner.has_plan("pro", at=NOW)
        assert (answer.granted, answer.rule) == (False, "cancelled_over")

    def test_plan__is_the_customers_beside_another(self) -> None:
        owner = rows.customer(plan=rows.plan("pro"))
        rows.subscription("cancelled", owner, plan=rows.plan("team"))
        assert owner.has_plan("pro", at=NOW).rule == "customer_plan"
        assert owner.has_plan("team", at=NOW).rule == "cancelled_over"
