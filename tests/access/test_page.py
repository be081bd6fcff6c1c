"""What docs/access.md says is what the code does."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from textwrap import indent

import pytest

from billing_webhooks.explaining import explain
from billing_webhooks.models import Customer, CustomerLink, WebhookEvent
from billing_webhooks.models.access import (
    CUSTOMER_RULES,
    NO_CUSTOMER,
    NO_USER,
    SUBSCRIPTION_RULES,
    Rule,
)
from tests.access import rows
from tests.access.rows import ago
from tests.conftest import PostKinde, at
from tests.once import on_one_database

on_one_database()

PAGE = (Path(__file__).parent.parent.parent / "docs" / "access.md").read_text()


def line(rule: Rule) -> str:
    return f"| `{rule.code}` | {'yes' if rule.grants else 'no'} | {rule.words} |"


def test_page__has_every_rule_in_its_order() -> None:
    rules = [*SUBSCRIPTION_RULES, *CUSTOMER_RULES, NO_CUSTOMER, NO_USER]
    told = re.findall(r"^\| `[a-z_]+` \| (?:yes|no) \|.*$", PAGE, re.MULTILINE)
    assert told == [line(rule) for rule in rules]


@pytest.mark.django_db
def test_page__shows_what_is_explained(post_kinde: PostKinde) -> None:
    named = {"customer_id": "customer_ada", "agreement_id": "agreement_1"}
    bought = {"plan": {"code": "pro", "name": "Pro"}, "next_billing_date": "2026-03-20T12:00:00Z"}
    for event_type, data, number, occurred_at in (
        ("customer.agreement_created", named | bought, "1", ago(10)),
        ("customer.agreement_cancelled", named, "2", ago(1)),
    ):
        post_kinde(event_type, data, event_id=f"event_{number}", occurred_at=occurred_at)
        arrived = occurred_at + timedelta(seconds=2)
        WebhookEvent.objects.filter(external_id=f"event_{number}").update(received_at=arrived)
    who = rows.user(Customer.objects.get())
    CustomerLink.objects.update(created_at=at("10:00"))

    told = str(explain(who, "pro", at=at("12:00")))

    assert indent(re.sub(r"#\d+", "#1", told), "    ") in PAGE
