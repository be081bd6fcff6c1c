"""The schema of a project that includes the API beside views of its own, which are called alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import include, path
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.validation import validate_schema
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny

from billing_webhooks.api import billing
from billing_webhooks.models import Customer as BillingCustomer
from tests.once import on_one_database

on_one_database()


class CustomerSerializer(serializers.Serializer[Any]):
    """Of the project: it has a name that ours has, too."""

    kind = serializers.ChoiceField(choices=["friend", "foe"])
    status = serializers.ChoiceField(choices=["here", "there"])


class CustomerList(generics.ListAPIView[Any]):
    schema = AutoSchema()
    serializer_class = CustomerSerializer
    queryset = BillingCustomer.objects.all()


class Support(billing.Customers):
    """One of ours, for others."""

    permission_classes = (AllowAny,)


URLS = [
    path("billing/", include("billing_webhooks.api.urls")),
    path("customers/", CustomerList.as_view()),
    path("support/", Support.as_view({"get": "list"})),
    path("support/<str:provider>/<str:id>/", Support.as_view({"get": "retrieve"})),
]


@pytest.fixture
def schema() -> Iterator[Any]:
    GENERATOR_STATS.reset()
    generator: Any = SchemaGenerator
    yield generator(patterns=URLS).get_schema(request=None, public=True)
    GENERATOR_STATS.reset()


def test_schema__of_a_project_has_ours_without_a_warning(schema: Any) -> None:
    assert [*GENERATOR_STATS._warn_cache, *GENERATOR_STATS._error_cache] == []
    validate_schema(schema)  # type: ignore[no-untyped-call]


def test_schema__tells_the_projects_customers_from_ours(schema: Any) -> None:
    found = schema["components"]["schemas"]

    assert set(found["Customer"]["properties"]) == {"kind", "status"}
    assert "email" in found["BillingCustomer"]["properties"]


def test_schema__has_a_subclass_at_the_projects_addresses(schema: Any) -> None:
    operation = schema["paths"]["/support/{provider}/{id}/"]["get"]
    names = [each["name"] for each in operation["parameters"] if each["in"] == "path"]

    assert (operation["operationId"], operation["tags"]) == ("support_retrieve", ["support"])
    assert names == ["id", "provider"]
    assert {"304", "404"} <= operation["responses"].keys()
