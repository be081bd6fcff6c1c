"""Events: what they say, to whom, and working them once more."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from django.utils import translation

from billing_webhooks import jobs
from billing_webhooks.api.acting import JobFailed, act
from billing_webhooks.models import Job, WebhookEvent
from billing_webhooks.signals import event_processed
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.api.asking import Ask, asking, ids, problem
from tests.conftest import Connect

pytestmark = pytest.mark.django_db


def hide(event: WebhookEvent, payload: dict[str, Any]) -> dict[str, Any]:
    return {**payload, "data": "hidden"}


def convert(event: WebhookEvent, payload: dict[str, Any]) -> dict[str, Any]:
    return {"day": date(2026, 3, 2), "number": float("inf"), "pair": (Decimal("1.50"), None)}


def fail(event: WebhookEvent, payload: dict[str, Any]) -> None:
    raise RuntimeError("the secret itself")


def an_event(**fields: Any) -> WebhookEvent:
    return WebhookEvent.objects.get(**{"external_id": "usage_ada", **fields})


def in_quarantine() -> WebhookEvent:
    return WebhookEvent.objects.get(state="quarantined")


def test_event__with_what_it_says(ask: Ask, data: None) -> None:
    event = an_event()
    told = ask(f"events/{event.pk}/").json()

    assert (told["payload_status"], told["payload"]) == ("shown", event.payload)
    assert told["customer"] == "customer_ada"
    assert "body" not in told


def told_of(ask: Ask, issuer: KindeIssuer, data: str) -> tuple[str, str]:
    """Return the `payload_status` and the text of the answer for an event with this data."""
    claims = json.dumps(kinde_event("x.y", {}, event_id="e1"))
    body = issuer.sign_bytes(claims.replace('"data": {}', f'"data": {data}').encode())
    Client().post("/webhooks/kinde", body, content_type="application/jwt")
    answer = ask(f"events/{WebhookEvent.objects.get().pk}/")
    return answer.json()["payload_status"], answer.content.decode()


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("1.50", "1.50"),
        ("0.1", "0.1"),
        ("0.1000000000000000055511151231257827", "0.1000000000000000055511151231257827"),
        ("-0.0", "-0.0"),
        ("0", "0"),
        ("-0", "0"),
        ("9007199254740993", "9007199254740993"),
        ("12345678901234567890123", "12345678901234567890123"),
        # The same number, spelled otherwise.
        ("1e-7", "1E-7"),
        ("1.0e2", "1.0E+2"),
        ("1e300", "1E+300"),
    ],
)
def test_payload__with_every_number_as_it_was_sent(
    ask: Ask, issuer: KindeIssuer, sent: str, shown: str
) -> None:
    status, text = told_of(ask, issuer, f'{{"n": [{sent}]}}')

    assert status == "shown"
    assert f'"data":{{"n":[{shown}]}}' in text
    assert json.loads(text, parse_float=Decimal)["payload"]["data"]["n"] == [Decimal(sent)]


@pytest.mark.parametrize("sent", ["1e400", "NaN", "-Infinity", "9" * 5000, "[" * 300 + "]" * 300])
def test_payload__with_what_is_no_number_of_ours(ask: Ask, issuer: KindeIssuer, sent: str) -> None:
    status, text = told_of(ask, issuer, f'{{"n": {sent}}}')

    assert (status, json.loads(text)["payload"]) == ("unreadable", None)


def test_payload__with_text_of_any_kind(ask: Ask, issuer: KindeIssuer) -> None:
    status, text = told_of(ask, issuer, '{"t": "\\ud800é\\u0000<script>", "ü": 1}')

    assert status == "shown"
    assert '"t":"\\ud800\\u00e9\\u0000<script>"' in text
    assert '"\\u00fc":1' in text


def test_payload__not_even_read_without_permission(
    people: dict[str, Any], django_assert_max_num_queries: Any
) -> None:
    client = Client()
    client.force_login(people["viewer"])
    with django_assert_max_num_queries(10) as found:
        told = asking(client)(f"events/{an_event().pk}/").json()

    assert (told["payload_status"], told["payload"]) == ("not_permitted", None)
    assert not [each for each in found.captured_queries[1:] if '"body"' in each["sql"]]


def test_payload__redacted_as_the_admin_redacts(ask: Ask, data: None, settings: Any) -> None:
    settings.BILLING_WEBHOOKS_REDACT = f"{__name__}.hide"

    assert ask(f"events/{an_event().pk}/").json()["payload"]["data"] == "hidden"


def test_payload__redacted_to_what_is_no_json_is_shown_as_text(
    ask: Ask, data: None, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_REDACT = f"{__name__}.convert"
    answer = ask(f"events/{an_event().pk}/")

    assert b'"payload":{"day":"2026-03-02","number":"inf","pair":[1.50,null]}' in answer.content


def test_payload__that_was_pruned(ask: Ask, data: None) -> None:
    event = an_event()
    WebhookEvent.objects.filter(pk=event.pk).update(pruned_at=event.received_at, body=b"")
    told = ask(f"events/{event.pk}/").json()

    assert (told["payload_status"], told["payload"]) == ("pruned", None)


@pytest.mark.parametrize("name", ["fail", "nothing"])
def test_payload__that_cannot_be_redacted_is_not_shown(
    ask: Ask, data: None, settings: Any, name: str
) -> None:
    settings.BILLING_WEBHOOKS_REDACT = f"{__name__}.{name}"
    answer = ask(f"events/{an_event().pk}/")

    assert answer.json()["payload_status"] == "unreadable"
    assert answer.json()["payload"] is None
    assert "secret" not in answer.content.decode()


def test_payload__that_cannot_be_read(ask: Ask, data: None) -> None:
    event = in_quarantine()
    WebhookEvent.objects.filter(pk=event.pk).update(body=b"[")

    assert ask(f"events/{event.pk}/").json()["payload_status"] == "unreadable"


def test_list__says_nothing_of_what_events_say(ask: Ask, data: None) -> None:
    answer = ask("events/")

    assert len(ids(answer)) == 7
    assert "payload" not in answer.json()["results"][0]
    assert "@example.org" not in answer.content.decode()


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"state": "quarantined"}, 1),
        ({"state": "processed"}, 6),
        ({"state": "dead"}, 0),
        ({"provider": "kinde"}, 6),
        ({"event_type": "customer.meter_usage_updated"}, 2),
        ({"external_id": "usage_ada"}, 1),
        ({"customer": "customer_ada"}, 3),
        ({"customer": "nobody"}, 0),
        ({"customer": "~row:0"}, 0),
        ({"received_since": "2001-01-01T00:00:00Z"}, 7),
        ({"received_before": "2001-01-01T00:00:00Z"}, 0),
    ],
    ids=str,
)
def test_filters(ask: Ask, data: None, query: dict[str, str], count: int) -> None:
    assert len(ids(ask("events/", **query))) == count


@pytest.mark.parametrize("query", [{"state": "x"}, {"customer": "~"}, {"customer": "~row:x" * 400}])
def test_filters__without_a_usable_value(ask: Ask, query: dict[str, str]) -> None:
    answer = ask("events/", **query)

    assert problem(answer, 400) == "invalid_parameter"
    assert "~" not in answer.content.decode()


@pytest.mark.django_db(transaction=True)
def test_replay__works_it_once_more(ask: Ask, data: None, connect: Connect) -> None:
    heard: list[Any] = []
    connect(event_processed, lambda event, **_: heard.append(event.external_id))
    answer = ask(f"events/{an_event().pk}/replay/", "post")

    assert (answer.status_code, answer.json()["state"]) == (200, "processed")
    assert answer.json()["replays"] == 1
    assert heard == ["usage_ada"]


def test_replay__not_possible(ask: Ask, data: None) -> None:
    event = an_event()
    WebhookEvent.objects.filter(pk=event.pk).update(pruned_at=event.received_at)
    answer = ask(f"events/{event.pk}/replay/", "post")

    assert problem(answer, 409) == "not_possible"
    assert answer.json()["detail"] == "It was pruned: what it said is gone."
    assert answer.json()["reason"] == "pruned"


def test_release__of_what_is_no_event(ask: Ask, data: None) -> None:
    answer = ask(f"events/{in_quarantine().pk}/release/", "post")

    assert problem(answer, 409) == "not_possible"
    assert answer.json()["reason"] == "no_event"
    assert in_quarantine().replays == 0


def test_release__of_what_is_not_in_quarantine(ask: Ask, data: None) -> None:
    answer = ask(f"events/{an_event().pk}/release/", "post")

    assert problem(answer, 409) == "not_possible"
    assert answer.json()["reason"] == "not_in_quarantine"


def test_refusal__is_told_in_english_whatever_the_request_asks_for(
    data: None, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "django.middleware.locale.LocaleMiddleware"]
    # One that has not loaded its middleware yet.
    client = Client(headers={"Accept-Language": "de"})
    client.force_login(User.objects.create_superuser("asker"))
    # The middleware leaves its language behind.
    with translation.override(translation.get_language()):
        answer = asking(client)(f"events/{an_event().pk}/release/", "post")

    assert answer.headers["Content-Language"] == "de"
    assert answer.json()["detail"] == "It is not in quarantine."


@pytest.mark.parametrize("action", ["replay", "release"])
def test_actions__leave_behind_who_asked_for_them(ask: Ask, data: None, action: str) -> None:
    event = an_event()
    ask(f"events/{event.pk}/{action}/", "post")
    job, entry = Job.objects.get(), LogEntry.objects.get()

    assert (job.action, job.asked_by, job.state, job.total) == (action, "asker", "done", 1)
    assert (entry.user.username, entry.object_id) == ("asker", str(event.pk))
    assert entry.get_change_message() == f"{action.capitalize()}, by the API"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("action", "status"), [("replay", 200), ("release", 409)])
def test_actions__of_a_project_with_atomic_requests_leave_the_same(
    ask: Ask, data: None, monkeypatch: pytest.MonkeyPatch, action: str, status: int
) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", True)
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
    answer = ask(f"events/{an_event().pk}/{action}/", "post")

    assert answer.status_code == status
    assert (Job.objects.get().action, LogEntry.objects.count()) == (action, 1)
    assert an_event().state == "processed"


def test_action__of_a_service_that_is_no_user_is_a_job_all_the_same(data: None) -> None:
    class Service:
        pk = "crm"

        def __str__(self) -> str:
            return "the CRM"

    act(Service(), "replay", an_event())

    assert (Job.objects.get().asked_by, Job.objects.get().asked_by_key) == ("the CRM", "crm")
    assert not LogEntry.objects.exists()


def test_actions__that_end_with_an_error_are_a_fault(
    ask: Ask, data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(keys: Any, arguments: Any) -> jobs.Part:
        raise ZeroDivisionError("the secret itself")

    monkeypatch.setitem(jobs._actions, "replay", jobs.Action(broken, 1))
    with pytest.raises(JobFailed, match="ZeroDivisionError"):
        ask(f"events/{an_event().pk}/replay/", "post")


@pytest.mark.django_db(transaction=True)
def test_release__of_what_can_be_read_by_now(ask: Ask, data: None) -> None:
    event = in_quarantine()
    body = b'{"type":"customer_created","customer":{"id":"8d1c7f2e-1111-4222-8333-0123456789ab"}}'
    WebhookEvent.objects.filter(pk=event.pk).update(body=body)
    answer = ask(f"events/{event.pk}/release/", "post")

    assert answer.status_code == 200, answer.content
    assert answer.json()["state"] == "processed"


def test_actions__of_what_is_not_there(ask: Ask) -> None:
    for action in ("replay", "release"):
        assert problem(ask(f"events/none/{action}/", "post"), 404) == "not_found"


def test_actions__of_a_session_need_a_csrf_token(data: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_superuser("asker"))

    answer = asking(client)(f"events/{an_event().pk}/replay/", "post")
    assert problem(answer, 403) == "csrf_failed"
