"""`manage.py billing_webhooks export`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from billing_webhooks.models import Customer, WebhookEvent
from tests.admin_pages.conftest import ADA
from tests.conftest import PostBillaBear, at

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("billing_webhooks", "export", *arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_export__to_standard_output(post_billabear: PostBillaBear) -> None:
    post_billabear("payment_received", id=ADA, customer={"id": ADA}, note="what it says")
    [event] = json.loads(run("webhookevent", "--format", "json"))

    assert event["event_type"] == "payment_received"
    assert "what it says" in run("webhookevent", "--payloads")
    assert "what it says" not in run("webhookevent")


def test_export__some_rows() -> None:
    for provider in ("kinde", "other"):
        Customer.objects.create(provider=provider)
    Customer.objects.filter(provider="other").update(updated_at=at("08:00"))

    assert run("customer").count("\n") == 3
    assert run("customer", "--provider", "kinde").count("\n") == 2
    assert run("customer", "--since", "2026-03-03T00:00Z").count("kinde") == 1
    assert run("customer", "--since", "2026-03-02T08:00Z").count("other") == 1


def test_export__into_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    path.write_text("of yesterday")
    Customer.objects.create(provider="kinde", email="ö@example.com")

    assert run("customer", "--output", str(path)) == ""
    assert path.read_bytes().startswith(b"\xef\xbb\xbfid,")
    assert "ö@example.com" in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert list(tmp_path.iterdir()) == [path]


def test_export__leaves_no_half_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, post_billabear: PostBillaBear
) -> None:
    post_billabear("payment_received")
    WebhookEvent.objects.update(received_at=at("08:00"))
    path = tmp_path / "no" / "events.csv"

    with pytest.raises(CommandError, match="cannot be written: No such file"):
        run("webhookevent", "--output", str(path))
    with pytest.raises(CommandError, match="cannot be written: Is a directory"):
        run("webhookevent", "--output", str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["customer", "--payloads"], "Only events have payloads"),
        (["mailbox", "--provider", "kinde"], "of no provider"),
        (["mailbox", "--since", "2026-03-02"], "have no time"),
        (["nothing"], "invalid choice"),
        (["customer", "--format", "xlsx"], "invalid choice"),
        (["customer", "--since", "yesterday"], "must be a time"),
    ],
)
def test_export__of_what_there_is_not(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(*arguments)
