"""The admin: every page of every model, what it hides, what it withstands and what it costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.db import connection, models
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import resolve, reverse

from billing_webhooks.admin import CustomerAdmin, base
from billing_webhooks.admin.json_text import json_text
from billing_webhooks.admin.rendering import MAX_SHOWN, link
from billing_webhooks.models import (
    Customer,
    CustomerIdentity,
    Invoice,
    Mailbox,
    Payment,
    Plan,
    PlanIdentity,
    ReceiverRun,
    Subscription,
    UsageRecord,
    WebhookEvent,
)
from billing_webhooks.signals import event_processed
from tests.conftest import SECRET, PostBillaBear, PostKinde, basic

pytestmark = pytest.mark.django_db

PAGES = [
    WebhookEvent,
    Mailbox,
    ReceiverRun,
    Customer,
    Plan,
    Subscription,
    Payment,
    Invoice,
    UsageRecord,
]
ADA = "8d1c7f2e-1111-4222-8333-0123456789ab"
HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m" + "A" * 50_000
OVERRIDE, ESCAPE = "\u202e", "\x1b"

every_model = pytest.mark.parametrize("model", PAGES, ids=lambda model: model._meta.model_name)


def agreement(**more: Any) -> dict[str, Any]:
    """Return the data of an event about Grace's agreement."""
    return {
        "customer_id": "customer_grace",
        "agreement_id": "agreement_1",
        "user": {"id": "kp_grace", "email": "grace@example.com"},
        "plan": {"code": "pro", "name": "Pro"},
        **more,
    }


@pytest.fixture
def superuser(client: Client) -> User:
    user = User.objects.create_superuser("root")
    client.force_login(user)
    return user


@pytest.fixture
def viewer(client: Client) -> User:
    """Somebody of the staff who may view every model, and no payload."""
    user = User.objects.create_user("viewer", is_staff=True)
    names = [f"view_{model._meta.model_name}" for model in PAGES]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(user)
    return user


def broken_receiver(**_: Any) -> None:
    raise RuntimeError("<b>the receiver's own fault</b>")


@pytest.fixture
def _receiver() -> Iterator[None]:
    event_processed.connect(broken_receiver)
    yield
    event_processed.disconnect(broken_receiver)


@pytest.fixture
def data(post_kinde: PostKinde, post_billabear: PostBillaBear, _receiver: None) -> None:
    """Events of both providers, and at least one row of every model."""
    post_kinde("customer.agreement_created", agreement())
    post_kinde("customer.payment_succeeded", agreement(payment_id="pay_1", amount="19.90"))
    post_kinde("customer.invoice_overdue", agreement(invoice_id="inv_1", amount=1990))
    post_kinde("customer.meter_usage_updated", agreement(meter_id="seats", quantity=7))
    post_billabear("customer_created", customer={"id": ADA, "email": "ada@example.com"})
    post_billabear("payment_received", id=ADA, amount=1990, customer={"id": ADA})
    post_billabear(
        "integration_crm_failure", exception={"message": "<i>no contact</i>", "code": 404}
    )


def list_url(model: type[models.Model], query: str = "") -> str:
    return reverse(f"admin:billing_webhooks_{model._meta.model_name}_changelist") + query


def page_url(row: models.Model) -> str:
    return reverse(f"admin:billing_webhooks_{row._meta.model_name}_change", args=[row.pk])


def text_of(client: Client, url: str) -> str:
    response = client.get(url)
    assert response.status_code == 200
    return str(response.content.decode())


def found(client: Client, model: type[models.Model], query: str) -> list[Any]:
    response = client.get(list_url(model, query))
    assert response.status_code == 200
    return list(response.context["cl"].result_list)


def queries_of(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def links_of(html: str) -> list[str]:
    return [
        link.replace("&amp;", "&") for link in re.findall(r'href="(/admin/billing_w[^"]*)"', html)
    ]


# Every model, read-only


def test_models__all_registered_or_inline() -> None:
    inline = {CustomerIdentity, PlanIdentity}

    assert {*PAGES, *inline} == set(apps.get_app_config("billing_webhooks").get_models())
    assert all(admin.site.is_registered(model) for model in PAGES)


@every_model
def test_list__with_rows(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    assert found(client, model, "")


@every_model
def test_page__of_every_row(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    for row in model._default_manager.all():
        assert str(row) in text_of(client, page_url(row)).replace("&lt;", "<")


@every_model
def test_page__viewer_without_payload(
    client: Client, viewer: User, data: None, model: type[models.Model]
) -> None:
    assert client.get(page_url(model._default_manager.all()[0])).status_code == 200


@every_model
@pytest.mark.parametrize("page", ["add", "change", "delete"])
def test_post__refused(
    client: Client, superuser: User, data: None, model: type[models.Model], page: str
) -> None:
    args = [] if page == "add" else [model._default_manager.all()[0].pk]
    url = reverse(f"admin:billing_webhooks_{model._meta.model_name}_{page}", args=args)

    assert client.post(url, {"post": "yes"}).status_code == 403


@every_model
def test_delete_action__not_there(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    keys = [row.pk for row in model._default_manager.all()]
    client.post(list_url(model), {"action": "delete_selected", "_selected_action": keys})

    assert model._default_manager.count() == len(keys)


@every_model
def test_list__needs_view_permission(client: Client, model: type[models.Model]) -> None:
    client.force_login(User.objects.create_user("nobody", is_staff=True))

    assert client.get(list_url(model)).status_code == 403


def test_admin__overridden_on_another_site(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    class OwnCustomerAdmin(CustomerAdmin):
        empty_value_display = "nobody knows"

    site = admin.AdminSite(name="own")
    site.register(Customer, OwnCustomerAdmin)
    post_kinde("customer.agreement_created", agreement())
    request = RequestFactory().get("/")
    request.user = superuser
    customer = Customer.objects.get()

    page = site.get_model_admin(Customer).change_view(request, str(customer.pk))
    html = page.render().content.decode()  # type: ignore[attr-defined]

    assert "nobody knows" in html
    # What the site does not show is not shown on the pages of others.
    assert "field-payments" not in html


# Links


@every_model
def test_links__all_resolve(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    row = model._default_manager.all()[0]
    urls = [list_url(model), page_url(row)]
    links = {link for url in urls for link in links_of(text_of(client, url))}

    assert {client.get(link).status_code for link in links} == {200}


@pytest.mark.parametrize(
    ("model", "others"),
    [
        (WebhookEvent, [Customer, Mailbox, Subscription, ReceiverRun, Payment]),
        (ReceiverRun, [WebhookEvent]),
        (Customer, [Plan, Subscription, Payment, Invoice, UsageRecord, WebhookEvent]),
        (Plan, [Customer, Subscription]),
        (Subscription, [Customer, Plan, Payment, Invoice, UsageRecord]),
        (Payment, [Customer, Subscription]),
        (Invoice, [Customer, Subscription]),
        (UsageRecord, [Customer, Subscription]),
    ],
    ids=lambda value: getattr(getattr(value, "_meta", None), "model_name", ""),
)
def test_page__links_to(
    client: Client,
    superuser: User,
    data: None,
    model: type[models.Model],
    others: list[type[models.Model]],
) -> None:
    pages = [text_of(client, page_url(row)) for row in model._default_manager.all()]
    names = {resolve(link.partition("?")[0]).url_name for page in pages for link in links_of(page)}

    assert {f"billing_webhooks_{other._meta.model_name}_change" for other in others} <= names


def test_link__of_a_model_without_a_page(superuser: User) -> None:
    assert link(admin.site, Permission.objects.all()[0]).startswith("Administration")


def test_registers__link_finds_the_event(client: Client, superuser: User, data: None) -> None:
    for row in (Subscription.objects.get(), Customer.objects.get(provider="billabear")):
        html = text_of(client, page_url(row))
        by_event = [link for link in links_of(html) if "q=" in link]
        assert by_event
        assert all(
            len(found(client, WebhookEvent, link[link.index("?") :])) == 1 for link in by_event
        )


def test_customer_page__at_most_a_few_rows_and_a_link_to_all(
    client: Client, superuser: User, post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_RELATED", 2)
    for number in range(3):
        post_kinde("customer.payment_succeeded", agreement(payment_id=f"pay_{number}"))
    html = text_of(client, page_url(Customer.objects.get()))

    assert "pay_2" in html
    assert "pay_0" not in html
    [all_of_them] = [link for link in links_of(html) if "payment/?customer" in link]
    assert len(found(client, Payment, all_of_them[all_of_them.index("?") :])) == 3
    assert "All 3 in the list" in html


def test_customer_page__more_than_are_counted(
    client: Client, superuser: User, post_kinde: PostKinde, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_RELATED", 1)
    monkeypatch.setattr(base, "MAX_COUNTED", 2)
    for number in range(3):
        post_kinde("customer.payment_succeeded", agreement(payment_id=f"pay_{number}"))

    assert "All in the list" in text_of(client, page_url(Customer.objects.get()))


def test_customer_page__without_permission_no_payments(
    client: Client, viewer: User, data: None
) -> None:
    viewer.user_permissions.remove(Permission.objects.get(codename="view_payment"))
    html = text_of(client, page_url(Customer.objects.get(provider="kinde")))

    assert "field-invoices" in html
    assert "field-payments" not in html


# What an event changed


def test_event_page__old_and_new_values(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    for email in ("old@example.com", "new@example.com"):
        post_billabear("customer_updated", customer={"id": ADA, "email": email})
    html = text_of(client, page_url(WebhookEvent.objects.all()[0]))

    assert '<td dir="auto">old@example.com</td><td dir="auto">new@example.com</td>' in html
    assert "customer_changed" in html


def test_event_page__nothing_changed(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    for _ in range(2):
        post_billabear("customer_updated", customer={"id": ADA, "email": "ada@example.com"})

    assert '<td dir="auto">nothing</td>' in text_of(client, page_url(WebhookEvent.objects.all()[0]))


def test_event_page__changed_row_is_gone(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    post_billabear("customer_created", customer={"id": ADA})
    Customer.objects.all().delete()

    assert "(no longer there)" in text_of(client, page_url(WebhookEvent.objects.get()))


def test_event_page__changes_of_another_version(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    post_billabear("customer_created", customer={"id": ADA})
    entry = {
        "model": "customer",
        "id": 0,
        "created": False,
        "fields": {"shoe_size": [41, 42], "agreement_cancelled_at": [None, "long ago"]},
        "signals": [],
    }
    WebhookEvent.objects.update(changes=[entry])
    html = text_of(client, page_url(WebhookEvent.objects.get()))

    assert '<td dir="auto">shoe_size</td><td dir="auto">41</td>' in html
    assert "long ago" in html


def test_event_page__receivers_and_their_errors(
    client: Client, superuser: User, data: None
) -> None:
    html = text_of(client, page_url(ReceiverRun.objects.all()[0].event))

    assert "tests.test_admin.broken_receiver" in html
    assert "&lt;b&gt;the receiver&#x27;s own fault&lt;/b&gt;" in html


# Payloads


def test_payload__indented_and_as_sent(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    post_billabear(
        "plan_created", plan={"id": ADA, "name": "Für Größe", "trial_length_in_days": 14}
    )
    html = text_of(client, page_url(WebhookEvent.objects.get()))

    assert "\n    &quot;name&quot;: &quot;Für Größe&quot;,\n" in html


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "{}"),
        ([], "[]"),
        ([1, [True, None]], "[\n  1,\n  [\n    true,\n    null\n  ]\n]"),
        ({"a": {"b": "ß"}, "c": 1}, '{\n  "a": {\n    "b": "ß"\n  },\n  "c": 1\n}'),
    ],
)
def test_json_text__is_indented(value: Any, text: str) -> None:
    assert json_text(value, max_lines=100) == text


def test_json_text__number_as_sent(client: Client) -> None:
    from billing_webhooks.providers.strict_json import parse

    assert json_text(parse(b"[19.90, 1E+2]").value, max_lines=9) == "[\n  19.90,\n  1E+2\n]"


def test_json_text__stops_at_its_limit() -> None:
    assert json_text([0] * 1_000_000, max_lines=2) == "[\n  0,\n…"


def test_payload__hidden_without_permission(client: Client, viewer: User, data: None) -> None:
    event = WebhookEvent.objects.filter(provider="billabear")[0]
    html = text_of(client, page_url(event))

    assert "billing_webhooks.view_payload" in html
    assert "no contact" not in html.partition("field-payload")[2]
    assert "body_text" not in html


def test_payload__not_even_read_without_permission(
    client: Client, viewer: User, data: None
) -> None:
    url = page_url(WebhookEvent.objects.all()[0])

    assert not [sql for sql in queries_of(client, url) if '"body"' in sql]


def test_payload__shown_with_permission(client: Client, viewer: User, data: None) -> None:
    viewer.user_permissions.add(Permission.objects.get(codename="view_payload"))
    html = text_of(client, page_url(WebhookEvent.objects.filter(provider="billabear")[0]))

    assert "field-payload_json" in html
    assert "field-body_text" in html
    assert "billing_webhooks.view_payload" not in html


def test_payload__quarantined_garbage(client: Client, superuser: User) -> None:
    body = b"\xff\xfe<script>alert(1)</script>\x00" + "\u202e".encode()
    sent = client.post(
        "/webhooks/billabear", body, content_type="x/y", headers={"Authorization": basic(SECRET)}
    )
    html = text_of(client, page_url(WebhookEvent.objects.get()))

    assert sent.status_code == 400
    assert "NotUnderstood: The body is not JSON" in html
    assert r"\xff\xfe&lt;script&gt;alert(1)&lt;/script&gt;\u0000\u202e" in html


def test_payload__provider_removed(
    client: Client, superuser: User, data: None, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {}

    assert "KeyError" in text_of(client, page_url(WebhookEvent.objects.all()[0]))
    assert len(found(client, WebhookEvent, "?provider=billabear")) == 3


def test_amounts__without_the_zeros_of_the_column(
    client: Client, superuser: User, data: None
) -> None:
    assert "<td>19.90 (unknown unit)</td>" in re.sub(
        r"<td[^>]*>", "<td>", text_of(client, page_url(Customer.objects.get(provider="kinde")))
    )
    assert "seats: 7<" in text_of(client, list_url(UsageRecord))


def test_usage_page__quantity_that_was_no_number(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    post_kinde("customer.meter_usage_updated", agreement(meter_id="seats", quantity="many"))
    html = text_of(client, page_url(UsageRecord.objects.get()))

    assert "seats: ?" in html


def test_payload__lone_surrogate(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    post_billabear("customer_created", customer={"id": ADA, "name": "\ud800 \U000e0001"})

    # Twice: the payload, and the bytes in which it was sent as an escape already.
    html = text_of(client, page_url(WebhookEvent.objects.get()))
    assert html.count(r"\ud800 \udb40\udc01") == 2


def test_hostile_text__harmless_on_every_page(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    plan = {"code": "pro", "name": HOSTILE}
    post_kinde("customer.agreement_created", agreement(plan=plan, user={"email": HOSTILE}))
    rows = [row for model in PAGES for row in model._default_manager.all()]
    pages = [text_of(client, url) for row in rows for url in (page_url(row), list_url(type(row)))]

    assert len(rows) == 5
    assert not [page for page in pages if "<script>alert" in page]


def test_hostile_text__marks_visible_in_the_payload(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    post_kinde("customer.plan_created", {"plan": {"code": "pro", "name": HOSTILE}})
    payload = text_of(client, page_url(WebhookEvent.objects.get())).partition("field-payload")[2]

    assert OVERRIDE not in payload
    assert ESCAPE not in payload
    assert r"\u202e\u001b[31mAAA" in payload


def test_long_text__is_cut(client: Client, superuser: User, post_billabear: PostBillaBear) -> None:
    post_billabear("customer_created", customer={"id": ADA, "note": "x" * 2 * MAX_SHOWN})
    html = text_of(client, page_url(WebhookEvent.objects.get()))

    assert html.count("The rest is too long to be shown.") == 2
    assert len(html) < 3 * MAX_SHOWN


def test_page__unreadable_column(
    client: Client, superuser: User, post_billabear: PostBillaBear
) -> None:
    post_billabear("customer_created", customer={"id": ADA})
    digits = "9" * 5_000
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE billing_webhooks_webhookevent SET changes = '[{digits}]'")  # noqa: S608
        cursor.execute(f"UPDATE billing_webhooks_customer SET registers = '[{digits}]'")  # noqa: S608

    for model in (WebhookEvent, Customer):
        key = model._default_manager.values_list("pk", flat=True)[0]
        url = reverse(f"admin:billing_webhooks_{model._meta.model_name}_change", args=[key])
        assert len(found(client, model, "")) == 1
        assert client.get(url).status_code == 200


# Search and filters


@pytest.mark.parametrize(
    ("model", "term", "count"),
    [
        (WebhookEvent, "ada@example.com", 2),
        (WebhookEvent, "ADA@example.com", 2),
        (WebhookEvent, ADA, 2),
        (WebhookEvent, "event_of_nobody", 0),
        (WebhookEvent, "customer_grace", 4),
        (WebhookEvent, " ", 7),
        (Mailbox, "kinde:customer", 1),
        (ReceiverRun, "nothing", 0),
        (Customer, "customer_grace", 1),
        (Customer, "ada", 0),
        (Plan, "PR", 1),
        (Subscription, "agreement_1", 1),
        (Subscription, "grace@example.com", 1),
        (Payment, "pay_1", 1),
        (Payment, "agreement_1", 1),
        (Invoice, "inv_1", 1),
        (UsageRecord, "grace@example.com", 1),
    ],
    ids=str,
)
def test_search(
    client: Client,
    superuser: User,
    data: None,
    model: type[models.Model],
    term: str,
    count: int,
) -> None:
    assert len(found(client, model, f"?q={term}")) == count


def test_search__by_an_event(client: Client, superuser: User, data: None) -> None:
    event = WebhookEvent.objects.get(event_type="customer.meter_usage_updated")

    for query in (f"?q={event.pk}", f"?q={event.pk.hex}", f"?q={event.external_id}"):
        assert found(client, WebhookEvent, query) == [event]
        assert found(client, ReceiverRun, query) == list(event.runs.all())
    assert found(client, UsageRecord, f"?q={event.external_id}") == [UsageRecord.objects.get()]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("provider=kinde", 4),
        ("provider=unknown", 0),
        ("event_type=payment_received", 1),
        ("state__exact=pending", 7),
        ("outcome__exact=", 0),
        ("trust__exact=secret", 3),
        ("mailbox__exact=billabear:type:integration_crm_failure", 1),
    ],
)
def test_filter(client: Client, superuser: User, data: None, query: str, count: int) -> None:
    assert len(found(client, WebhookEvent, f"?{query}")) == count


def test_filter__event_types_of_the_chosen_provider(client: Client, superuser: User) -> None:
    html = text_of(client, list_url(WebhookEvent, "?provider=kinde"))

    assert "customer.plan_assigned" in html
    assert "payment_received" not in html


def test_filter__provider_that_cannot_be_built(
    client: Client, superuser: User, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_PROVIDERS = {"broken": {}}

    assert "?provider=broken" in text_of(client, list_url(WebhookEvent))


# What it costs


@every_model
def test_list__no_more_queries_for_more_rows(
    client: Client,
    superuser: User,
    data: None,
    post_kinde: PostKinde,
    model: type[models.Model],
) -> None:
    client.get(list_url(model))
    before = queries_of(client, list_url(model))
    for name in ("one", "two", "three"):
        ids = {"customer_id": name, "agreement_id": name, "plan": {"code": name, "name": name}}
        post_kinde("customer.invoice_overdue", agreement(**ids))
        post_kinde("customer.payment_succeeded", agreement(**ids))
        post_kinde("customer.meter_usage_updated", agreement(**ids, meter_id="seats"))

    assert len(queries_of(client, list_url(model))) == len(before)


@every_model
def test_list__no_large_column_is_read(
    client: Client, superuser: User, data: None, model: type[models.Model]
) -> None:
    sql = " ".join(queries_of(client, list_url(model)))

    assert not re.findall(r'"(body|headers|changes|registers|last_error)"', sql)


def test_customer_page__no_more_queries_for_more_rows(
    client: Client, superuser: User, data: None, post_kinde: PostKinde
) -> None:
    url = page_url(Customer.objects.get(provider="kinde"))
    client.get(url)
    before = queries_of(client, url)
    for number in range(3):
        ids = {"agreement_id": str(number), "plan": {"code": str(number)}}
        post_kinde("customer.agreement_created", agreement(**ids))
        post_kinde("customer.payment_succeeded", agreement(**ids))

    assert len(queries_of(client, url)) == len(before)


def test_list__counts_no_further_than_necessary(
    client: Client, superuser: User, data: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "MAX_COUNTED", 4)
    html = text_of(client, list_url(WebhookEvent))
    counts = [sql for sql in queries_of(client, list_url(WebhookEvent)) if "COUNT(" in sql]

    assert "These are the first 4." in html
    assert len(counts) == 1
    assert "LIMIT 4" in counts[0]


def test_mailbox_page__what_is_pending(client: Client, superuser: User, data: None) -> None:
    event = WebhookEvent.objects.filter(provider="billabear")[0]
    html = text_of(client, page_url(Mailbox.objects.get(key=event.mailbox)))

    assert page_url(event) in html
