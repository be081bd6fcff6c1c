"""A real Prometheus scrapes a shop, and evaluates every alert and every query of the dashboard."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from billing_webhooks.testing import KindeIssuer
from tests.celery_engine.waiting import wait_for
from tests.observing.shop import Shop
from tests.observing.test_monitoring import DASHBOARD, EXPRESSIONS, GROUP
from tests.once import on_one_database
from tests.servers.processes import NoServer
from tests.servers.prometheus import find

on_one_database()

ALERTS = {rule["alert"] for rule in GROUP["rules"]}
# As Grafana sends them if all aliases are chosen.
QUERIES = {
    name: query.replace("$provider", ".*")
    for name, query in EXPRESSIONS.items()
    if name not in ALERTS
}
ANSWERS = [200, 200, 200, 200, 401, 200, 200, 400, 401]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    try:
        find("prometheus")
    except NoServer as error:
        pytest.skip(f"Nothing was scraped: {error}.")
    with KindeIssuer() as issuer:
        shop = Shop(tmp_path_factory.mktemp("shop"), issuer)
        try:
            shop.start()
            yield played(shop)
        finally:
            shop.stop()


def played(shop: Shop) -> Shop:
    """Return a shop to which everything was sent twice, so that all has risen between scrapes."""
    for number in (1, 2):
        assert shop.send_everything(number) == ANSWERS, shop.said()
        ended = {"processed": 2 * number, "dead": number, "quarantined": 2 * number}
        wait_for(lambda ended=ended: shop.states() == ended, lambda: f"{shop.states()}")  # type: ignore[misc]
        # Of the web and of the workers, which are scraped one by one.
        for counted in (f"refused_total) == {2 * number}", f"dead_total) == {number}"):
            query = f"sum(billing_webhooks_{counted}"
            wait_for(lambda query=query: bool(result(shop, query)), shop.said)  # type: ignore[misc]
    return shop


def result(shop: Shop, query: str) -> list[Any]:
    found: list[Any] = shop.prometheus.ask("query", query=query)["result"]
    return found


def is_number(sample: Any) -> bool:
    return not math.isnan(float(sample["value"][1]))


def test_targets__are_scraped_with_what_the_page_says(shop: Shop) -> None:
    targets = shop.prometheus.ask("targets")["activeTargets"]
    jobs = {each["labels"]["job"]: each["health"] for each in targets}
    assert jobs == {"billing-webhooks": "up", "billing-webhooks-workers": "up"}
    assert [each["lastError"] for each in targets] == ["", ""]


@pytest.mark.parametrize(
    ("counted", "job"),
    [
        ('refused_total{reason=~"secret|signature"}', "billing-webhooks"),
        ('receiver_failures_total{receiver="shop.fails_first"}', "billing-webhooks-workers"),
    ],
    ids=["web", "workers"],
)
def test_counts__are_of_all_processes_of_a_host(shop: Shop, counted: str, job: str) -> None:
    query = f"sum by (job) (billing_webhooks_{counted}) == 4"
    wait_for(lambda: bool(result(shop, query)), lambda: query)
    assert [each["metric"]["job"] for each in result(shop, query)] == [job]


def test_rules__are_evaluated_without_an_error(shop: Shop) -> None:
    def rules() -> list[Any]:
        [group] = shop.prometheus.ask("rules")["groups"]
        found: list[Any] = group["rules"]
        return found

    wait_for(lambda: all(rule["health"] != "unknown" for rule in rules()), shop.said)
    assert {(rule["name"], rule["health"]) for rule in rules()} == {(name, "ok") for name in ALERTS}
    assert not [rule for rule in rules() if rule.get("lastError")]


def test_alerts__are_raised_for_what_has_happened(shop: Shop) -> None:
    def raised() -> set[tuple[str, str]]:
        alerts = shop.prometheus.ask("alerts")["alerts"]
        firing = [each["labels"] for each in alerts if each["state"] == "firing"]
        return {(each["alertname"], each["provider"]) for each in firing}

    expected = {
        ("BillingWebhooksDead", "billabear"),
        ("BillingWebhooksQuarantined", "billabear"),
        ("BillingWebhooksQuarantined", "kinde"),
    }
    wait_for(lambda: raised() == expected, lambda: f"{raised()}")


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_query__has_a_result(shop: Shop, query: str) -> None:
    wait_for(lambda: any(map(is_number, result(shop, query))), lambda: query)


def test_variable__has_the_aliases(shop: Shop) -> None:
    _, variable = DASHBOARD["templating"]["list"]
    assert variable["definition"] == "label_values(billing_webhooks_events, provider)"
    match = {"match[]": "billing_webhooks_events"}
    assert shop.prometheus.ask("label/provider/values", **match) == ["billabear", "kinde", "other"]
