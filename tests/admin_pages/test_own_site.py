"""The same pages on an admin site of the project's own, registered anew as it likes."""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.test import Client
from django.urls import include, path

from billing_webhooks.admin import CustomerAdmin
from billing_webhooks.models import Customer, Job, WebhookEvent
from tests.admin_pages.pages import confirm, messages_of, text_of
from tests.conftest import PostKinde
from tests.once import on_one_database

on_one_database()

pytestmark = pytest.mark.django_db(transaction=True)

SIGN_UP = {"customer_id": "customer_1", "agreement_id": "agreement_1"}


class SupportSite(AdminSite):
    site_header = "Support"


class ShopCustomerAdmin(CustomerAdmin):
    list_display = ["__str__", "external_id"]  # type: ignore[assignment]
    row_actions = ()  # type: ignore[assignment]


@pytest.fixture
def _site(settings: Any) -> None:
    """A site at /support/ with all pages of the app, and one page of the project's own."""
    site = SupportSite(name="support")
    for model, page in admin.site._registry.items():
        if model._meta.app_label == "billing_webhooks":
            site.register(model, ShopCustomerAdmin if model is Customer else type(page))
    urls = ModuleType("urls_of_support")
    vars(urls)["urlpatterns"] = [
        path("admin/", admin.site.urls),
        path("support/", site.urls),
        path("webhooks/", include("billing_webhooks.urls")),
    ]
    settings.ROOT_URLCONF = urls


@pytest.mark.usefixtures("_site", "superuser")
def test_pages__lead_to_this_site_alone(client: Client, post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    event, customer = WebhookEvent.objects.get(), Customer.objects.get()
    pages = [
        "",
        "webhookevent/",
        f"webhookevent/{event.pk}/change/",
        f"webhookevent/do/replay/?key={event.pk}",
        "customer/",
        f"customer/{customer.pk}/change/",
        f"customer/{customer.pk}/link/",
    ]
    for page in pages:
        html = text_of(client, f"/support/billing_webhooks/{page}")
        assert "Support" in html
        assert "/support/billing_webhooks/" in html
        assert not re.search(r'(href|action)="/admin/', html), page


@pytest.mark.usefixtures("_site", "superuser")
def test_actions__stay_on_this_site(client: Client, post_kinde: PostKinde) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    event = WebhookEvent.objects.get()
    page = f"/support/billing_webhooks/webhookevent/do/replay/?key={event.pk}"
    replayed = confirm(client, client.get(page))
    previewed = confirm(client, client.get(page.replace("replay", "preview")))

    assert messages_of(replayed) == ["1 event is worked once more."]
    assert replayed.url == f"/support/billing_webhooks/webhookevent/{event.pk}/change/"
    job = Job.objects.get(action="preview")
    assert previewed.url == f"/support/billing_webhooks/job/{job.pk}/change/"
    assert client.get(previewed.url).status_code == 200


@pytest.mark.usefixtures("_site")
def test_registered_anew__as_the_project_likes(
    client: Client, superuser: User, post_kinde: PostKinde
) -> None:
    post_kinde("customer.agreement_created", SIGN_UP)
    html = text_of(client, "/support/billing_webhooks/customer/")

    assert "column-external_id" in html
    assert "column-collection" not in html
    assert 'value="erase"' not in html
