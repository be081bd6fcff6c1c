"""What is answered, of which of several, and at what cost."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser

from billing_webhooks.access import billing_of, has_plan, users_with_plan
from billing_webhooks.models import Customer, Plan, PlanIdentity, Subscription
from tests.access import rows
from tests.access.rows import DAY, MOMENT, NOW, ago

pytestmark = pytest.mark.django_db


@pytest.fixture
def pro() -> Plan:
    return rows.plan("pro")


class TestOneQuery:
    @pytest.fixture(autouse=True)
    def one(self, django_assert_num_queries: Any) -> None:
        self.queries = django_assert_num_queries

    def test_granted__by_a_subscription(self, pro: Plan) -> None:
        owner = rows.subscription("active", plan=pro).customer
        assert owner is not None
        with self.queries(1):
            assert owner.has_plan("pro").subscription_id

    def test_granted__by_the_customers_own_plan(self, pro: Plan) -> None:
        owner = rows.customer(plan=pro)
        with self.queries(1):
            assert owner.has_plan("pro").customer_id == owner.pk

    def test_refused__says_of_what(self, pro: Plan) -> None:
        owner = rows.subscription("paused", plan=pro).customer
        assert owner is not None
        with self.queries(1):
            answer = owner.has_plan("pro", "team")
        assert (answer.granted, answer.rule, answer.plan_id) == (False, "paused", pro.pk)

    def test_user__of_both_providers(self, pro: Plan) -> None:
        old = rows.subscription("cancelled", plan=pro).customer
        new = rows.subscription("active", rows.customer(provider="billabear"), plan=pro).customer
        assert old is not None
        assert new is not None
        who = rows.user(old, new)
        with self.queries(1):
            answer = billing_of(who).has_plan("pro")
        assert (answer.rule, answer.customer_id) == ("active", new.pk)

    def test_user__without_customers(self) -> None:
        who = rows.user()
        with self.queries(2):
            answers = billing_of(who).has_plan("pro"), billing_of(who).has_active_subscription()
        assert [answer.rule for answer in answers] == ["no_customer", "no_customer"]

    @pytest.mark.parametrize("who", [None, AnonymousUser(), get_user_model()(username="new")])
    def test_nobody__has_nothing(self, who: Any) -> None:
        with self.queries(0):
            assert has_plan(who, "pro").rule == "no_user"
            assert billing_of(who).has_active_subscription().rule == "no_user"
            assert [*billing_of(who).customers] == []

    def test_rows__are_loaded_when_asked_for(self, pro: Plan) -> None:
        row = rows.subscription("active", plan=pro)
        assert row.customer is not None
        answer = row.customer.has_plan("pro")
        with self.queries(3):
            assert (answer.customer, answer.subscription, answer.plan) == (row.customer, row, pro)
            assert answer.subscription is answer.subscription

    def test_users__in_one_statement(self, pro: Plan) -> None:
        who = rows.user(rows.customer(plan=pro))
        rows.user(name="bob")
        with self.queries(1):
            assert [*users_with_plan("pro")] == [who]


class TestSeveral:
    def test_firmest__is_the_answer(self, pro: Plan) -> None:
        owner = rows.customer()
        for status in ("past_due", "active", "paused", "cancelled"):
            rows.subscription(status, owner, plan=pro, current_period_end=NOW + DAY)
        found: list[str] = []
        while found[-1:] != ["cancelled_over"]:
            answer = owner.has_plan("pro", at=NOW)
            found.append(answer.rule)
            Subscription.objects.filter(pk=answer.subscription_id).update(
                status="cancelled", current_period_end=None
            )
        assert found == ["active", "past_due_grace", "cancelled_paid", "paused", "cancelled_over"]

    def test_longest__is_the_answer_of_equals(self) -> None:
        owner = rows.customer()
        for days in (1, 3, 2):
            rows.subscription("cancelling", owner, current_period_end=NOW + days * DAY)
        assert owner.has_active_subscription(at=NOW).until == NOW + 3 * DAY

    def test_endless__is_the_answer_of_equals(self) -> None:
        owner = rows.customer()
        for since in (ago(1), None, ago(2)):
            rows.subscription("past_due", owner, in_arrears_since=since)
        assert owner.has_active_subscription(at=NOW).until is None


class TestUntil:
    @pytest.mark.parametrize(
        ("columns", "of_customer", "until"),
        [
            ({"status": "active", "current_period_end": NOW + DAY}, {}, None),
            ({"status": "past_due", "in_arrears_since": ago(2)}, {}, NOW + 5 * DAY),
            ({"status": "unpaid", "in_arrears_since": ago(3)}, {}, NOW + 4 * DAY),
            ({"status": "past_due"}, {}, None),
            ({"status": "cancelled", "current_period_end": NOW + DAY}, {}, NOW + DAY),
            ({"status": "cancelling", "cancelled_at": ago(365)}, {}, NOW + DAY),
            (
                {"status": "active"},
                {"collection": "failed", "in_arrears_since": ago(6)},
                NOW + DAY,
            ),
            ({"status": "past_due", "in_arrears_since": ago(8)}, {}, None),
        ],
    )
    def test_answer__ends_when(self, columns: Any, of_customer: Any, until: Any) -> None:
        owner = rows.customer(**of_customer)
        rows.subscription(owner=owner, **columns)
        assert owner.has_active_subscription(at=NOW).until == until

    def test_answer__is_no_from_then_on(self) -> None:
        row = rows.subscription("past_due", in_arrears_since=ago(2))
        assert row.customer is not None
        until = row.customer.has_active_subscription(at=NOW).until
        assert until is not None
        assert row.customer.has_active_subscription(at=until - MOMENT)
        assert not row.customer.has_active_subscription(at=until)


class TestNames:
    @pytest.mark.parametrize("name", ["pro", "plan_7", "Pro Plan", "pro_2024"])
    def test_plan__goes_by_each_of_its_names(self, name: str) -> None:
        row = rows.plan("pro", external_id="plan_7", is_deleted=True)
        for value in ("Pro Plan", "pro_2024"):
            PlanIdentity.objects.create(provider="kinde", kind="name", value=value, row=row)
        owner = rows.customer(plan=row)
        assert owner.has_plan(name)
        assert owner.has_plan("team", name)

    @pytest.mark.parametrize(
        "name", ["Pro", "PRO", "pr", "pro ", " pro", "prö", "p%", "p_o", "Team"]
    )
    def test_plan__goes_by_no_other(self, name: str) -> None:
        owner = rows.customer(plan=rows.plan("pro"))
        rows.subscription("active", owner, plan=rows.plan("team"))
        assert owner.has_plan(name).rule == "nothing"
        assert not Subscription.objects.of_plan(name).exists()
        assert not Customer.objects.having_plan(name).exists()

    def test_plan__itself_is_a_name(self, pro: Plan) -> None:
        owner = rows.subscription("active", rows.customer(plan=pro)).customer
        assert owner is not None
        assert owner.has_plan(pro)
        assert not owner.has_plan(rows.plan("team"))

    @pytest.mark.parametrize("plans", [(), ("",), ("pro", ""), (None,), (Plan(),)])
    def test_plan__has_to_be_named(self, plans: Any) -> None:
        for ask in (rows.customer().has_plan, billing_of(None).has_plan, users_with_plan):
            with pytest.raises(ValueError, match="Name at least one plan"):
                ask(*plans)


class TestWords:
    def test_answer__explains_itself(self, pro: Plan) -> None:
        row = rows.subscription("past_due", plan=pro, in_arrears_since=ago(2))
        assert row.customer is not None
        answer = row.customer.has_plan("pro", at=NOW)
        assert str(answer) == "Yes: A payment failed, and the grace is not over."
        assert repr(answer) == (
            f"<Answer past_due_grace customer={row.customer.pk} subscription={row.pk} "
            f"plan={pro.pk} until=2026-03-07T12:00:00+00:00: {answer}>"
        )

    def test_refusal__explains_itself(self) -> None:
        assert str(has_plan(rows.customer(), "pro")) == "No: Nothing of the kind was bought."


def test_users__inactive_ones_too(pro: Plan) -> None:
    owner = rows.customer(plan=pro)
    both = [rows.user(owner, name=name) for name in ("ada", "bob")]
    get_user_model().objects.filter(username="bob").update(is_active=False)
    assert [*users_with_plan("pro").order_by("username")] == both


def test_related_manager__can_ask_too(pro: Plan) -> None:
    owner = rows.customer()
    row = rows.subscription("active", owner, plan=pro)
    rows.subscription("active", plan=pro)
    assert [*owner.subscriptions.granting_access().of_plan("pro")] == [row]
