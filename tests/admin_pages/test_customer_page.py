"""The answer to "what does she have", as a customer's page gives it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils.html import escape

from billing_webhooks.explaining import explain
from billing_webhooks.models import Customer, Subscription, WebhookEvent
from tests.admin_pages.conftest import agreement
from tests.admin_pages.pages import page_url, queries_of, text_of
from tests.admin_pages.people import OWN_SITE, read, section_of, staff, subscribe
from tests.conftest import PostKinde

pytestmark = pytest.mark.django_db

MARK = "\u202e"


@pytest.fixture
def grace(post_kinde: PostKinde) -> Customer:
    return subscribe(post_kinde)


def standing(client: Client, customer: Customer, query: str = "") -> str:
    return section_of(text_of(client, page_url(customer) + query), "standing")


def test_standing__says_what_explain_says(client: Client, superuser: User, grace: Customer) -> None:
    html = standing(client, grace)
    explanation = explain(grace)
    [subscription] = explanation.customers[0].subscriptions

    assert explanation.verdict == "Yes: grace@example.com has access."
    for text in (explanation.verdict, explanation.reason, subscription.rule.code, "Pro (pro)"):
        assert escape(text) in html


def test_standing__no_and_until_when(client: Client, superuser: User, grace: Customer) -> None:
    Subscription.objects.update(status="cancelled", cancelled_at=datetime(2026, 3, 2, tzinfo=UTC))
    html = standing(client, grace)
    assert "No: grace@example.com has no access." in html
    assert "March 2, 2026, 1 a.m." in html

    Subscription.objects.update(current_period_end=datetime(2099, 3, 2, tzinfo=UTC))
    assert "Access until March 2, 2099, 1 a.m." in standing(client, grace)


def test_standing__links_to_the_events_behind_it(
    client: Client, superuser: User, grace: Customer
) -> None:
    html = standing(client, grace)

    assert "<summary>What events said</summary>" in html
    assert page_url(WebhookEvent.objects.get()) in html
    assert page_url(Subscription.objects.get()) in html


def test_standing__tells_what_waits(client: Client, superuser: User, grace: Customer) -> None:
    WebhookEvent.objects.update(state="dead", applied_at=None)
    assert "It may change: 1 event of the customer is not applied" in standing(client, grace)


@pytest.mark.parametrize(
    ("plan", "answer"),
    [
        ("pro", "Yes: grace@example.com may use pro."),
        ("gold", "No: grace@example.com may not use gold."),
        ("prro", "There is: pro."),
        ("%00", "Null characters are not allowed."),
        ("x" * 256, "at most 255 characters"),
        ("", "This field is required."),
        ("<b>", "may not use &lt;b&gt;."),
    ],
)
def test_question__about_one_plan(
    client: Client, superuser: User, grace: Customer, plan: str, answer: str
) -> None:
    assert answer in standing(client, grace, f"?plan={plan}")


def test_page__of_a_customer_that_has_nothing(client: Client, superuser: User) -> None:
    html = text_of(client, page_url(Customer.objects.create(provider="kinde")))

    assert "Nothing of the kind was bought." in section_of(html, "standing")
    assert "Nobody is linked" in section_of(html, "users")
    assert "Nothing, so far." in section_of(html, "timeline")
    assert not section_of(html, "usage")


def test_page__leaves_out_what_its_viewer_may_not_view(client: Client, grace: Customer) -> None:
    staff(client)
    html = text_of(client, page_url(grace))

    assert "Yes: grace@example.com has access." in html
    for name in ("users", "usage", "timeline"):
        assert not section_of(html, name)
    assert "agreement_1" not in section_of(html, "standing")
    assert page_url(WebhookEvent.objects.get()) not in html


def test_page__on_another_site(superuser: User, grace: Customer) -> None:
    request = RequestFactory().get("/")
    request.user = superuser
    page: Any = OWN_SITE.get_model_admin(Customer).change_view(request, str(grace.pk))
    html = page.render().content.decode()

    assert "Yes: grace@example.com has access." in html
    assert "agreement_1" not in section_of(html, "standing")
    assert not section_of(html, "timeline")


def test_page__hostile_names(client: Client, superuser: User, post_kinde: PostKinde) -> None:
    hostile = f"<script>alert(1)</script>{MARK}" + "A" * 50_000
    customer = subscribe(
        post_kinde,
        user={"email": hostile[:250]},
        plan={"code": "pro", "name": hostile},
    )
    customer.link(User.objects.create(username=hostile[:150]))
    read(customer, hostile[:250], 1, 2, first=datetime(2026, 3, 2, tzinfo=UTC))
    html = text_of(client, page_url(customer))

    assert "<script>alert" not in html
    for name in ("standing", "users", "timeline", "usage"):
        assert r"\u202e" in section_of(html, name)
        assert MARK not in section_of(html, name)


def test_page__a_part_that_cannot_be_told_leaves_the_others(
    client: Client, superuser: User, grace: Customer, caplog: pytest.LogCaptureFixture
) -> None:
    Customer.objects.update(registers=[1])
    html = text_of(client, page_url(grace))

    assert "A part of this page could not be shown." in html
    assert section_of(html, "timeline")
    assert "'standing'" in caplog.text


def test_page__is_inert_under_a_strict_policy(
    client: Client, superuser: User, grace: Customer
) -> None:
    grace.link(superuser)
    read(grace, "seats", 1, 2, first=datetime(2026, 3, 2, tzinfo=UTC))
    html = text_of(client, page_url(grace) + "?plan=pro")

    for name in ("standing", "users", "usage", "timeline"):
        part = section_of(html, name)
        assert part
        assert not re.findall(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:", part)


def test_queries__do_not_grow(
    client: Client, superuser: User, grace: Customer, post_kinde: PostKinde
) -> None:
    post_kinde("customer.payment_succeeded", agreement(payment_id="pay"))
    grace.link(User.objects.create_user("first"))
    read(grace, "a", *range(30), first=datetime(2026, 3, 2, tzinfo=UTC))
    url = page_url(grace) + "?plan=pro"
    client.get(url)
    before = queries_of(client, url)

    for number in range(4):
        post_kinde("customer.payment_succeeded", agreement(payment_id=f"pay_{number}"))
        post_kinde("customer.agreement_created", agreement(agreement_id=f"more_{number}"))
        grace.link(User.objects.create_user(f"user {number}"))
        read(grace, f"meter {number}", *range(9), first=datetime(2026, 3, 2, tzinfo=UTC))
    other = Customer.objects.create(provider="billabear")
    other.link(User.objects.get(username="first"))

    assert len(queries_of(client, url)) == len(before)


def test_queries__load_no_body(client: Client, superuser: User, grace: Customer) -> None:
    found = queries_of(client, page_url(grace))
    assert not [sql for sql in found if '"body"' in sql or "`body`" in sql]
