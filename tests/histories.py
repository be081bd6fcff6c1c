"""Random histories of both providers: few customers, plans and days, so that events meet."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from billing_webhooks.testing import kinde_event
from tests.conftest import at

CUSTOMERS = (
    {"customer_id": "customer_1"},
    {"org_code": "org_1"},
    {"customer_id": "customer_1", "org_code": "org_1"},
    {"customer_id": "customer_2", "user_id": "kp_2"},
    # The same organisation again: it belongs to whom it was given last.
    {"customer_id": "customer_2", "org_code": "org_1"},
)
PLANS: tuple[dict[str, Any], ...] = (
    {},
    {"plan": {"code": "free", "name": "Free"}},
    {"plan": {"code": "pro", "name": "Pro"}},
    {"plan_code": "pro"},
    {"plan": {"code": "pro", "id": "plan_pro", "name": "Professional"}},
    {"plan_id": "plan_pro"},
    {"plan_id": "pro"},
    {"plan": {"code": "max", "id": "plan_pro"}},
)
AGREEMENTS: tuple[dict[str, Any], ...] = (
    {},
    {"agreement_id": "agreement_1"},
    {"agreement": {"id": "agreement_2"}},
)
EXTRAS: tuple[dict[str, Any], ...] = (
    {},
    {"payment_id": "payment_1", "invoice_id": "invoice_1", "amount": 10, "currency": "EUR"},
    {"amount": "12.5", "invoice_due_on": "2026-04-01T00:00:00+00"},
    {"next_billing_date": "2026-05-01", "user": {"email": "ada@example.org"}},
    {"meter_id": "requests", "quantity": 0},
)
TYPES = (
    "customer.plan_created",
    "customer.plan_assigned",
    "customer.plan_changed",
    "customer.agreement_created",
    "customer.agreement_cancelled",
    "customer.payment_succeeded",
    "customer.payment_failed",
    "customer.invoice_overdue",
    "customer.meter_usage_updated",
    "customer.type_of_next_year",
)


def kinde_events(
    customers: Sequence[dict[str, Any]] = CUSTOMERS,
) -> st.SearchStrategy[dict[str, Any]]:
    """Draw the claims of an event of one of these customers."""
    return st.builds(
        lambda event_type, customer, plan, agreement, extra, minute, number: kinde_event(
            event_type,
            {**customer, **plan, **agreement, **extra},
            occurred_at=at("10:00") + timedelta(minutes=minute),
            event_id=f"event_{number:032x}",
        ),
        st.sampled_from(TYPES),
        st.sampled_from(customers),
        st.sampled_from(PLANS),
        st.sampled_from(AGREEMENTS),
        st.sampled_from(EXTRAS),
        st.integers(0, 4),
        st.integers(1, 10**6),
    )


kinde_histories = st.lists(
    kinde_events(), min_size=2, max_size=8, unique_by=lambda event: event["event_id"]
)

ID = "0b1e5c1e-0000-4000-8000-{:012d}".format
BILLABEAR_CUSTOMERS = [
    {"id": ID(1), "email": "ada@example.org", "brand": "default", "is_disabled": False},
    {"id": ID(1), "email": None, "brand": "other", "is_disabled": True},
    {"id": ID(2), "email": "bob@example.org", "brand": "default", "is_disabled": False},
]
billabear_events = st.one_of(
    st.tuples(
        st.sampled_from(["customer_created", "customer_updated", "customer_disabled"]),
        st.builds(lambda customer: {"customer": customer}, st.sampled_from(BILLABEAR_CUSTOMERS)),
    ),
    st.tuples(
        st.sampled_from(
            [
                "subscription_created",
                "subscription_updated",
                "subscription_cancelled",
                "trial_started",
                "trial_extended",
                "trial_ended",
            ]
        ),
        st.builds(
            lambda customer, number, plan, status: {
                "customer": customer,
                "subscription": {"id": ID(number), "plan_name": plan, "status": status},
            },
            st.sampled_from(BILLABEAR_CUSTOMERS),
            st.sampled_from([11, 12]),
            st.sampled_from(["Free", "Pro"]),
            st.sampled_from(["active", "trial_active", "pending_cancel", "cancelled", "new_word"]),
        ),
    ),
    st.tuples(
        st.sampled_from(["plan_created", "plan_updated", "plan_deleted"]),
        st.builds(
            lambda number, name: {
                "plan": {"id": ID(20 + number), "name": name, "code": None, "has_trial": True}
            },
            st.sampled_from([1, 2]),
            st.sampled_from(["Free", "Pro", "Basic"]),
        ),
    ),
    st.tuples(
        st.just("payment_received"),
        st.builds(
            lambda number, customer: {"id": ID(number), "customer": customer, "amount": 3000},
            st.sampled_from([31, 32, 33]),
            st.sampled_from([None, *BILLABEAR_CUSTOMERS]),
        ),
    ),
)
