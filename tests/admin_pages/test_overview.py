"""The overview's page: for whom it is, where its numbers lead, and what it is made of."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client, RequestFactory
from django.urls import include, path
from django.utils import timezone

from billing_webhooks import vitals
from billing_webhooks.admin import ReceiverRunAdmin, WebhookEventAdmin, charts
from billing_webhooks.admin.overview import TO_DO, TO_RUN
from billing_webhooks.models import ReceiverRun, Refusal, RefusalCount, WebhookEvent
from billing_webhooks.providers import get_provider
from tests.admin_pages.pages import list_url, queries_of, text_of
from tests.overview.events import event

pytestmark = pytest.mark.django_db

URL = "/admin/billing_webhooks/webhookevent/overview/"
APP = "/admin/billing_webhooks/"
LIST = "/admin/billing_webhooks/webhookevent/"
HOSTILE = "<script>alert(1)</script>\u202e\x00\ud800\"'"
FATES = [
    ("processed", "applied"),
    ("processed", "superseded"),
    ("processed", "no_effect"),
    ("processed", "unhandled"),
    ("pending", ""),
    ("pending", "applied"),
    ("dead", ""),
    ("quarantined", ""),
]


class Parsed(HTMLParser):
    """The elements of a page, and the links with the text in each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.links: list[tuple[str, str]] = []
        self._is_in_link = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        if tag == "a":
            self.links.append((found.get("href") or "", ""))
            self._is_in_link = True

    def handle_endtag(self, tag: str) -> None:
        self._is_in_link = self._is_in_link and tag != "a"

    def handle_data(self, data: str) -> None:
        if self._is_in_link:
            url, text = self.links[-1]
            self.links[-1] = url, text + data


def content(html: str) -> str:
    """Return what the overview itself puts into a page."""
    return html.partition('id="content-main"')[2]


@pytest.fixture
def rows() -> None:
    """Events of every kind in the last month, a failing receiver and refusals."""
    now = timezone.now()
    events = [
        event(now - timedelta(hours=(number * number) + 1), alias, state=state, outcome=outcome)
        for number in range(24)
        for alias in ("kinde", "billabear", "former")
        for state, outcome in [FATES[number % len(FATES)]]
    ]
    WebhookEvent.objects.bulk_create(events)
    for number, each in enumerate(events[:7]):
        ReceiverRun.objects.create(
            event=each,
            signal="payment_failed",
            receiver=f"shop.receiver_{number % 2}",
            state=["failed", "given_up", "started", "succeeded"][number % 4],
            last_error="RuntimeError: no",
        )
    RefusalCount.objects.create(
        provider="kinde", reason="unknown_kid", day=now.date(), count=3, last_at=now
    )


@pytest.fixture
def events_viewer(client: Client) -> User:
    """Somebody of the staff who may view events, and nothing else."""
    user = User.objects.create_user("events", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_webhookevent"))
    client.force_login(user)
    return user


def test_overview__for_those_who_may_view_events(client: Client, viewer: User, rows: None) -> None:
    assert "Receivers that fail" in text_of(client, URL)
    assert URL in text_of(client, APP)
    assert URL in text_of(client, LIST)


def test_overview__for_nobody_else(client: Client) -> None:
    assert client.get(URL).status_code == 302
    user = User.objects.create_user("other", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_plan"))
    client.force_login(user)

    assert client.get(URL).status_code == 403
    assert URL not in text_of(client, APP)


def test_overview__without_what_one_may_not_view(
    client: Client, events_viewer: User, rows: None
) -> None:
    html = content(text_of(client, URL))

    assert "shop.receiver" not in html
    assert "unknown_kid" not in html
    assert {urlsplit(link).path for link, _ in Parsed(html).links} <= {
        "",
        LIST,
        *(f"{LIST}{key}/change/" for key in WebhookEvent.objects.values_list("pk", flat=True)),
    }


def test_numbers__lead_to_lists_with_so_many_rows(client: Client, viewer: User, rows: None) -> None:
    parsed = Parsed(content(text_of(client, URL)))
    numbers = {(url, text) for url, text in parsed.links if text.isdigit() and "?" in url}
    by_model = defaultdict(set)
    for url, text in numbers:
        response = client.get(url)
        assert response.status_code == 200, url
        found = response.context["cl"].queryset
        by_model[found.model].add(url)
        if found.model is RefusalCount:
            assert sum(row.count for row in found) == int(text)
        else:
            assert found.count() == int(text), url

    assert {*by_model} == {WebhookEvent, ReceiverRun, RefusalCount}
    states = {parse_qs(urlsplit(url).query)["state__exact"][0] for url in by_model[WebhookEvent]}
    assert states == {state for state, _ in FATES}


def test_links__all_lead_somewhere(client: Client, viewer: User, rows: None) -> None:
    links = {url for url, _ in Parsed(content(text_of(client, URL))).links if "?" not in url}
    ids = {found.get("id") for _, found in Parsed(text_of(client, URL)).elements}

    assert len(links) > 8
    for url in links:
        if url.startswith("#"):
            assert url[1:] in ids
        else:
            assert client.get(url).status_code == 200, url


def test_pictures__say_the_same_as_their_tables(client: Client, viewer: User, rows: None) -> None:
    html = text_of(client, URL)
    assert html.count('role="group" aria-label=') == 6
    pictures = re.findall(r"<svg viewBox=\"0 0 900.*?</svg>", html)
    tables = re.findall(r"<details>.*?</details>", html)

    for picture, table in zip(pictures, tables, strict=True):
        bars = {url for url, _ in Parsed(picture).links}
        assert bars
        assert bars == {url for url, _ in Parsed(table).links}


def test_page__has_no_style_and_no_script_of_its_own(
    client: Client, viewer: User, rows: None
) -> None:
    for tag, attributes in Parsed(text_of(client, URL)).elements:
        assert tag != "style"
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        if tag == "script":
            assert attributes.get("src")
        for name in ("href", "src", "xlink:href"):
            assert not (attributes.get(name) or "").startswith(("http", "//", "data:", "java"))


def test_page__has_each_id_once(client: Client, viewer: User, rows: None) -> None:
    elements = Parsed(content(text_of(client, URL))).elements
    ids = [found["id"] for tag, found in elements if "id" in found and tag != "pattern"]
    assert len(ids) == len({*ids})


def test_page__hostile_texts(client: Client, viewer: User, settings: Any) -> None:
    alias, now = "<script>alert(1)</script>\u202e'\"", timezone.now()
    each = event(now, alias)
    each.save()
    ReceiverRun.objects.create(
        event=each, receiver=alias, signal=alias, state="failed", last_error=alias
    )
    RefusalCount.objects.create(provider=alias, reason=alias, day=now.date(), count=3, last_at=now)
    html = content(text_of(client, URL))

    assert "<script>alert" not in html
    assert "\u202e" not in html
    assert "\\u202e" in html
    links = {url for url, text in Parsed(html).links if text in {"1", "3"}}
    assert len(links) == 5
    assert {client.get(url).context["cl"].queryset.count() for url in links} == {1}


def test_queries__as_many_for_many_rows(client: Client, superuser: User, rows: None) -> None:
    before = len(queries_of(client, URL))
    now = timezone.now()
    events = [event(now, state="pending", outcome="", sequence=str(n)) for n in range(50)]
    WebhookEvent.objects.bulk_create(events)
    for number, each in enumerate(events):
        ReceiverRun.objects.create(
            event=each, receiver=f"r{number}", signal="s", state="failed", last_error="x"
        )

    assert len(queries_of(client, URL)) == before <= 25


def test_queries__load_nothing_large(client: Client, superuser: User, rows: None) -> None:
    for sql in queries_of(client, URL):
        assert not re.search(r"\b(body|confirmation|headers|changes)\b", sql), sql


def test_problems__each_says_where_one_goes_on() -> None:
    code = Path(vitals.__file__).with_name("problems.py").read_text()
    # The overview does not ask the broker.
    words = {*re.findall(r'Problem\(\s*"(\w+)"', code)} - {"broker"}
    assert {*TO_DO, *TO_RUN} - {"receivers"} == words


def test_problem__of_workers_leads_to_what_waits(
    client: Client, superuser: User, settings: Any
) -> None:
    settings.BILLING_WEBHOOKS_DISPATCH = "celery"
    event(timezone.now() - timedelta(hours=1), state="pending", outcome="").save()
    html = content(text_of(client, URL))

    assert "no Celery worker has been heard of since" in html
    links = [url for url, text in Parsed(html).links if text == "See the pending events"]
    assert {client.get(url).context["cl"].queryset.count() for url in links} == {1}


@pytest.mark.usefixtures("issuer")
def test_problem__of_keys_names_the_command(client: Client, superuser: User) -> None:
    get_provider("kinde").signing_keys(refresh=True)
    event(timezone.now() + timedelta(days=2)).save()
    html = content(text_of(client, URL))
    assert "<code>manage.py billing_webhooks doctor</code>" in html


def test_empty__says_what_to_do_first(client: Client, superuser: User) -> None:
    html = text_of(client, URL)

    assert "Nothing has arrived yet." in html
    assert "manage.py billing_webhooks doctor" in html
    assert "No sweep has ever run" in html
    assert list_url(Refusal) not in content(html)


def test_without_pygal__tables_and_the_name_of_the_extra(
    client: Client, viewer: User, rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(charts, "LIBRARY", "no_such_library")
    html = text_of(client, URL)

    assert "django-billing-webhooks[charts]" in html
    assert "0 0 900" not in html
    assert html.count("<details open>") == 6


class OwnSite(admin.AdminSite):
    site_header = "Support"


own = OwnSite(name="support")
own.register(WebhookEvent, WebhookEventAdmin)
own.register(ReceiverRun, ReceiverRunAdmin)
urlpatterns = [
    path("support/", own.urls),
    path("admin/", admin.site.urls),
    path("webhooks/", include("billing_webhooks.urls")),
]


def test_another_site__has_its_own(
    client: Client, superuser: User, rows: None, settings: Any
) -> None:
    settings.ROOT_URLCONF = __name__
    html = content(text_of(client, "/support/billing_webhooks/webhookevent/overview/"))

    assert 'href="/support/billing_webhooks/receiverrun/?' in html
    assert "/admin/" not in html
    # It has no page of them, but its user may view them.
    assert "unknown_kid" in html
    for url in ("/support/billing_webhooks/", "/support/billing_webhooks/webhookevent/"):
        assert "/support/billing_webhooks/webhookevent/overview/" in text_of(client, url)


def test_another_site__without_events(superuser: User) -> None:
    site = admin.AdminSite(name="other")
    site.register(RefusalCount)
    request = RequestFactory().get("/")
    request.user = superuser
    page = site.app_index(request, "billing_webhooks")

    assert "overview" not in page.render().content.decode().lower()
