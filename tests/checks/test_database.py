"""A database that would lose deliveries is told before the first one."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections
from django.db.models import Model

from tests.checks.told import told

OPTIONS_OF_SQLITE: dict[str, tuple[dict[str, Any], bool]] = {
    "none": ({}, True),
    "timeout alone": ({"timeout": 20}, True),
    "null": ({"transaction_mode": None}, True),
    "deferred": ({"transaction_mode": "deferred"}, True),
    "immediate": ({"transaction_mode": "immediate"}, False),
    "IMMEDIATE": ({"transaction_mode": "IMMEDIATE"}, False),
    "exclusive": ({"transaction_mode": "EXCLUSIVE"}, False),
}


@pytest.mark.parametrize(("options", "is_told"), OPTIONS_OF_SQLITE.values(), ids=OPTIONS_OF_SQLITE)
def test_database__sqlite_that_does_not_wait_is_told(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], is_told: bool
) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "sqlite")
    monkeypatch.setitem(connections["default"].settings_dict, "OPTIONS", options)

    messages = told()
    assert list(messages) == ["billing_webhooks.W005"] * is_told
    for message in messages.values():
        assert "'transaction_mode': 'IMMEDIATE', 'timeout': 20" in message


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings of a good connection to a PostgreSQL, to be spoilt."""
    good = {"OPTIONS": {"connect_timeout": 5}, "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": False}
    monkeypatch.setattr(connections["default"], "vendor", "postgresql")
    for name, value in good.items():
        monkeypatch.setitem(connections["default"].settings_dict, name, value)
    return connections["default"].settings_dict


@pytest.mark.usefixtures("server")
def test_server__that_is_well_configured_is_not_told() -> None:
    assert told() == {}


@pytest.mark.parametrize("age", [1, 60, None])
def test_kept_connection__without_health_checks_is_told(server: dict[str, Any], age: Any) -> None:
    server["CONN_MAX_AGE"] = age
    (message,) = told().items()
    assert message[0] == "billing_webhooks.W010"
    assert "DATABASES['default']['CONN_HEALTH_CHECKS'] = True" in message[1]


@pytest.mark.parametrize("pool", [True, {"min_size": 2}])
def test_pool__without_health_checks_is_told(server: dict[str, Any], pool: Any) -> None:
    server["OPTIONS"] = {"connect_timeout": 5, "pool": pool}
    assert list(told()) == ["billing_webhooks.W010"]


def test_kept_connection__with_health_checks_is_well(server: dict[str, Any]) -> None:
    server.update(CONN_MAX_AGE=60, CONN_HEALTH_CHECKS=True)
    assert told() == {}


@pytest.mark.parametrize("vendor", ["postgresql", "mysql"])
@pytest.mark.parametrize("options", [{}, {"connect_timeout": 0}, {"connect_timeout": None}])
def test_connect_timeout__that_is_missing_is_told(
    server: dict[str, Any], monkeypatch: pytest.MonkeyPatch, vendor: str, options: dict[str, Any]
) -> None:
    monkeypatch.setattr(connections["default"], "vendor", vendor)
    server["OPTIONS"] = options
    (message,) = told().items()
    assert message[0] == "billing_webhooks.W011"
    assert "['OPTIONS']['connect_timeout'] = 5" in message[1]


@pytest.mark.usefixtures("server")
def test_connect_timeout__of_another_database_is_not_asked_for(
    server: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections["default"], "vendor", "oracle")
    server["OPTIONS"] = {}
    assert told() == {}


class Apart:
    """A router that parts the billing rows from the inbox."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return "ledger" if model.__name__ in {"Customer", "Payment"} else None


class Elsewhere:
    """A router that keeps the whole app in one database."""

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return "default" if model._meta.app_label == "billing_webhooks" else "ledger"


def test_routers__that_part_the_models_are_told(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [Apart()]
    (message,) = told().items()
    assert message[0] == "billing_webhooks.W012"
    assert "Customer to 'ledger', Payment to 'ledger'" in message[1]


def test_routers__that_keep_them_together_are_well(settings: Any) -> None:
    settings.DATABASE_ROUTERS = [Elsewhere()]
    assert told() == {}
