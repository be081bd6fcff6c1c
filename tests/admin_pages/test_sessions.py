"""The admin leaves nothing in its database session either."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection, models
from django.test import Client
from django.urls import reverse

from tests.admin_pages.conftest import every_model
from tests.admin_pages.pages import list_url, page_url, text_of
from tests.sessions import watched

# Not in the transaction of a test, in which any cursor would end with it.
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("data", "superuser"),
]


@every_model
def test_pages__leave_nothing(client: Client, model: Any) -> None:
    row: models.Model = model._base_manager.first()
    with watched(connection) as session:
        for url in (list_url(model), list_url(model, "?q=customer_grace"), page_url(row)):
            text_of(client, url)
    assert session.statements
    assert not session.leaving


def test_overview__leaves_nothing(client: Client) -> None:
    with watched(connection) as session:
        text_of(client, reverse("admin:billing_webhooks_overview"))
    assert session.statements
    assert not session.leaving
