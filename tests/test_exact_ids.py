"""Ids that a database may hold to be equal, and that are not."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from billing_webhooks.models import (
    Customer,
    Mailbox,
    Payment,
    Plan,
    ReceiverRun,
    Subscription,
    WebhookEvent,
)
from billing_webhooks.models.fields import ExactCharField
from billing_webhooks.signals import event_processed
from tests.conftest import Connect, PostKinde, at

# By case, by an accent (one character or two), by a space at the end, by an emoji.
IDS = [
    "sub_a",
    "Sub_A",
    "s\u00fcb_a",
    "su\u0308b_a",
    "sub_a ",
    "sub_a\U0001f600",
    "sub_a\U0001f602",
]

pytestmark = pytest.mark.django_db(transaction=True)


def test_events__of_each_id_make_rows_of_their_own(post_kinde: PostKinde) -> None:
    for number, name in enumerate(IDS):
        data = {
            "customer_id": name,
            "org_code": f"org {name}",
            "agreement_id": name,
            "plan": {"code": name, "name": name},
        }
        post_kinde("customer.agreement_created", data, event_id=name, occurred_at=at("10:00"))
        paid = {"customer_id": name, "payment_id": name}
        post_kinde("customer.payment_succeeded", paid, occurred_at=at(f"11:0{number}"))

    assert list(WebhookEvent.objects.values_list("state", flat=True)) == ["processed"] * 14
    for model, name in [
        (Customer, "external_id"),
        (Customer, "organization_code"),
        (Plan, "code"),
        (Subscription, "external_id"),
        (Payment, "external_id"),
    ]:
        found = sorted(model._default_manager.values_list(name, flat=True))
        assert found == sorted(f"org {each}" if "org" in name else each for each in IDS)
    for name in IDS:
        assert Customer.objects.get(external_id=name).subscriptions.get().external_id == name
        assert Payment.objects.get(external_id=name).customer == Customer.objects.get(
            external_id=name
        )


def test_mailboxes__of_ids_in_ascii_are_apart(post_kinde: PostKinde) -> None:
    for name in ("sub_a", "Sub_A"):
        post_kinde("customer.plan_assigned", {"customer_id": name})
    keys = {"kinde:customer:sub_a", "kinde:customer:Sub_A"}
    assert set(Mailbox.objects.values_list("key", flat=True)) == keys
    for key in keys:
        assert WebhookEvent.objects.filter(mailbox=key).count() == 1


def test_receivers__whose_names_differ_in_case_both_run(
    post_kinde: PostKinde, connect: Connect
) -> None:
    heard: list[str] = []
    for name in ("tests.Hear", "tests.hear"):
        connect(event_processed, lambda name=name, **kwargs: heard.append(name), name)
    post_kinde("customer.plan_assigned", {"customer_id": "customer_1"})
    assert heard == ["tests.Hear", "tests.hear"]
    assert ReceiverRun.objects.count() == 2


def test_same_id__still_one() -> None:
    Subscription.objects.create(provider="kinde", external_id=IDS[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        Subscription.objects.create(provider="kinde", external_id=IDS[0])


@pytest.mark.parametrize("model", [Customer, Plan, Subscription, Payment, WebhookEvent])
def test_longest_id__fits_and_is_found(model: Any) -> None:
    # Four bytes a character are the most there are, and an index of MySQL holds 3072.
    longest = "\U0001f600" * 255
    values: dict[str, Any] = (
        {"occurred_at": at("10:00")} if model in (Payment, WebhookEvent) else {}
    )
    if model is WebhookEvent:
        values |= {"received_at": at("10:00"), "body": b"", "mailbox": "m" * 200}
    model._base_manager.create(provider="p" * 64, external_id=longest, **values)
    assert model._base_manager.filter(external_id=longest).count() == 1
    assert model._base_manager.filter(external_id=longest[:-1] + "\U0001f602").count() == 0


def test_column__is_ordered_by_its_characters_numbers() -> None:
    field = Subscription._meta.get_field("external_id")
    assert isinstance(field, ExactCharField)
    collation = field.db_parameters(connection)["collation"]
    collations = {"mysql": "utf8mb4_nopad_bin", "postgresql": "C"}
    assert collation == collations.get(connection.vendor)
