"""What a customer's meters have read, on the customer's page."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.test import Client

from billing_webhooks.admin.customer_usage import MAX_READINGS, usage_of
from billing_webhooks.models import Customer
from tests.admin_pages.pages import page_url, text_of
from tests.admin_pages.people import read, section_of, subscribe
from tests.conftest import PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db

FIRST = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def grace(post_kinde: PostKinde) -> Customer:
    return subscribe(post_kinde)


def test_usage__the_latest_value_in_words(client: Client, superuser: User, grace: Customer) -> None:
    read(grace, "requests", 3, "12.5", None, first=FIRST)
    html = section_of(text_of(client, page_url(grace)), "usage")

    assert "Latest: 12.50, read March 2, 2026, 11 a.m." in html
    assert "<details" in html


def test_usage__zero_is_a_value(grace: Customer) -> None:
    read(grace, "requests", 3, 0, first=FIRST)
    [meter] = usage_of(grace)["meters"]
    assert meter.latest == "0"


def test_usage__of_a_meter_without_any_number(
    client: Client, superuser: User, grace: Customer
) -> None:
    read(grace, "requests", None, first=FIRST)
    html = section_of(text_of(client, page_url(grace)), "usage")
    assert "No reading has a number." in html


def test_usage__only_the_latest_readings_of_the_first_meters(grace: Customer) -> None:
    for name in "abcdefg":
        read(grace, name, *range(3), first=FIRST)
    read(grace, "long", *range(MAX_READINGS + 5), first=FIRST)
    usage = usage_of(grace)

    assert [meter.name for meter in usage["meters"]] == list("abcde")
    assert usage["is_more"]


def test_usage__is_cut_to_the_latest_of_a_meter(grace: Customer) -> None:
    read(grace, "long", *range(MAX_READINGS + 5), first=FIRST)
    [meter] = usage_of(grace)["meters"]

    assert meter.count == MAX_READINGS
    assert meter.latest == str(MAX_READINGS + 4)
