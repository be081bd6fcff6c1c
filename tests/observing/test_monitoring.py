"""The dashboard and the alerts speak of nothing that a real scrape does not have."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from billing_webhooks.metrics.counting import OURS
from billing_webhooks.testing import KindeIssuer, kinde_event
from tests.observing.conftest import TOKEN, Scraped
from tests.once import on_one_database
from tests.played import EXAMPLE, clean_environment, played

on_one_database()

FOLDER = EXAMPLE.parent / "docs" / "monitoring"
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
(GROUP,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
EXPRESSIONS = {
    **{
        f"{panel['title']} {target['refId']}": target["expr"].replace("$__rate_interval", "5m")
        for panel in PANELS
        for target in panel["targets"]
    },
    **{rule["alert"]: rule["expr"] for rule in GROUP["rules"]},
}
# The page's queries are set in by four blanks, each after a comment.
PAGE = (FOLDER.parent / "monitoring.md").read_text()
QUERIES = [
    query
    for part in re.findall(r"^    # .*\n((?:    [^#\n].*\n)+)", PAGE, re.MULTILINE)
    for query in re.split(r"\n    (?! )", part.removeprefix("    ").rstrip())
]
EXPRESSIONS |= {query[:40]: query for query in QUERIES}
# As Grafana calls them: seconds, a number, requests and operations per second.
UNITS = {"s", "short", "reqps", "ops"}
LONG_AGO = "2026-01-01 00:00:00"
DURATION = re.compile(r"\d+[mhd]")
# The example project after a history, with one event more so that its keys are fetched.
SCRAPE = """
import sys
import django
django.setup()
from django.test import Client
client = Client()
token = sys.argv[1].encode()
assert client.post("/webhooks/kinde", token, content_type="application/jwt").status_code == 200
headers = {"Authorization": f"Bearer {sys.argv[2]}"}
print(client.get("/metrics/", headers=headers).content.decode())
"""


@pytest.fixture(scope="module")
def after_a_history(tmp_path_factory: pytest.TempPathFactory) -> Scraped:
    folder = tmp_path_factory.mktemp("monitoring")
    database, metrics = folder / "copy.sqlite3", folder / "metrics"
    shutil.copytree(played().metrics, metrics)
    old, new = sqlite3.connect(played().database), sqlite3.connect(database)
    with closing(old), closing(new):
        old.backup(new)
        # The demonstration has no Celery.
        new.execute("INSERT INTO billing_webhooks_heartbeat VALUES ('worker', ?)", [LONG_AGO])
        new.commit()
    with KindeIssuer() as issuer:
        environment = {
            **clean_environment(),
            "DATABASE_URL": f"sqlite:///{database}",
            "DJANGO_SETTINGS_MODULE": "example_project.settings",
            "KINDE_ISSUER": issuer.url,
            "METRICS_TOKEN": TOKEN,
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "PYTHONPATH": str(EXAMPLE.parent),
        }
        token = issuer.sign(kinde_event("customer.created", {"id": "customer_new"})).decode()
        ended = subprocess.run(
            [sys.executable, "-c", SCRAPE, token, TOKEN],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    return Scraped.of(ended.stdout)


@dataclass
class Asked:
    """What a query speaks of: metric → labels by which it is chosen or grouped."""

    metrics: dict[str, set[str]]
    values: set[tuple[str, str]]
    grouped: set[str]


def asked(expression: str) -> Asked:
    found = Asked({}, set(), set())

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.AggregateExpr) and node.modifier:
            found.grouped |= set(node.modifier.labels)
        if isinstance(node, promql_parser.VectorSelector):
            matchers = node.matchers.matchers
            found.metrics.setdefault(node.name or "", set()).update(each.name for each in matchers)
            equal = (each for each in matchers if each.op == promql_parser.MatchOp.Equal)
            found.values |= {(each.name, each.value) for each in equal}
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def labels_of(scraped: Scraped, name: str) -> set[str]:
    return {label for each, labels in scraped.samples if each == name for label, _ in labels}


@pytest.mark.parametrize("expression", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_query__of_what_is_there(after_a_history: Scraped, expression: str) -> None:
    query = asked(expression)
    names = {name for name, _ in after_a_history.samples}
    values = {pair for _, labels in after_a_history.samples for pair in labels}

    assert query.metrics
    assert query.metrics.keys() <= names
    for name, labels in query.metrics.items():
        assert labels <= labels_of(after_a_history, name)
    assert query.grouped <= set().union(*(labels_of(after_a_history, n) for n in query.metrics))
    # Nothing has kept the history from fetching keys.
    assert query.values - {("result", "failed")} <= values


def test_page__names_every_metric_with_its_labels(after_a_history: Scraped) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (.*?) \|", PAGE, re.MULTILINE)
    named = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    found: dict[str, set[str]] = {}
    for name, labels in after_a_history.samples:
        if name.startswith("billing_webhooks_") and not name.endswith("_created"):
            family = re.sub(r"_(bucket|count|sum)$", "", name.removeprefix("billing_webhooks_"))
            found.setdefault(family, set()).update({label for label, _ in labels} - {"le"})

    assert named == found
    assert len(QUERIES) == 6


def test_everything_measured__is_shown_or_told_of(after_a_history: Scraped) -> None:
    shown = {name for expression in EXPRESSIONS.values() for name in asked(expression).metrics}
    families = {re.sub(r"_(bucket|total|count|sum|created)$", "", name) for name in shown}
    measured = {
        re.sub(r"_(bucket|total|count|sum|created)$", "", name)
        for name, _ in after_a_history.samples
        if name.startswith("billing_webhooks_")
    }

    assert measured == families


def test_history__leaves_traces_of_every_kind(after_a_history: Scraped) -> None:
    total = {
        name: sum(value for (each, _), value in after_a_history.samples.items() if each == name)
        for name, _ in after_a_history.samples
    }
    for kind in ("received", "repeated", "refused", "quarantined", "processed", "dead"):
        assert total[f"billing_webhooks_{kind}_total"] > 0
    assert total["billing_webhooks_receiver_failures_total"] > 0
    assert after_a_history("attempts_total", provider="kinde", result="postponed") > 0
    assert after_a_history("inbox_readable") == 1


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panel__is_whole(panel: dict[str, Any]) -> None:
    assert panel["type"] in {"stat", "timeseries"}
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
    names = [target["refId"] for target in panel["targets"]]
    assert names == [chr(ord("A") + number) for number in range(len(names))]
    for target in panel["targets"]:
        # A legend speaks of labels that the query leaves.
        assert (
            set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            <= asked(target["expr"].replace("$__rate_interval", "5m")).grouped
        )


def test_dashboard__can_be_imported() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    names = {each["name"] for each in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$(?:{(\w+)}|([a-z]+))", json.dumps(DASHBOARD)))

    assert len(set(ids)) == len(ids)
    assert {one or two for one, two in used} <= names
    assert (DASHBOARD["schemaVersion"] >= 36, DASHBOARD["uid"]) == (True, "billing-webhooks")
    assert "id" not in DASHBOARD


def lost(given: Any, read: Any, place: str = "") -> Iterator[str]:
    """Yield where something that was given is not, or is otherwise, in what was read of it."""
    if isinstance(given, dict) and isinstance(read, dict):
        for name, value in given.items():
            yield from lost(value, read.get(name), f"{place}.{name}")
    elif isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        for number, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from lost(one, other, f"{place}[{number}]")
    elif given != read:
        yield place


def test_dashboard__is_read_by_the_types_of_grafana() -> None:
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))
    # What the editor shows of a variable's query.
    assert [*lost(DASHBOARD, read)] == [".templating.list[1].definition"]


def test_dashboard__with_what_grafana_does_not_know_is_found() -> None:
    register_default_plugins()
    panel = PANELS[0] | {"gridPosition": {}, "options": {"colourMode": "value"}}
    read = json.loads(JSONEncoder().encode(Dashboard.from_json({"panels": [panel]})))
    assert {".gridPosition", ".options.colourMode"} <= {*lost(panel, read["panels"][0])}


def corners(panel: dict[str, Any]) -> tuple[range, range]:
    place = panel["gridPos"]
    return range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])


def overlap(one: range, two: range) -> bool:
    return max(one.start, two.start) < min(one.stop, two.stop)


def test_panels__do_not_overlap() -> None:
    for panel, other in combinations(DASHBOARD["panels"], 2):
        assert not all(map(overlap, corners(panel), corners(other))), other["title"]
    assert all(corners(panel)[0].stop <= 24 for panel in DASHBOARD["panels"])


def told_labels(rule: dict[str, Any]) -> Iterator[str]:
    for text in rule["annotations"].values():
        yield from re.findall(r"\$labels\.(\w+)", text)


@pytest.mark.parametrize("rule", GROUP["rules"], ids=lambda rule: rule["alert"])
def test_alert__is_as_prometheus_wants_it(rule: dict[str, Any]) -> None:
    assert rule.keys() - {"for"} == {"alert", "expr", "labels", "annotations"}
    assert re.fullmatch(r"BillingWebhooks[A-Za-z]+", rule["alert"])
    assert DURATION.fullmatch(rule.get("for", "1m"))
    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert rule["annotations"].keys() == {"summary"}
    assert set(told_labels(rule)) <= asked(rule["expr"]).grouped


def test_alert__of_every_reason_that_counts_from_zero() -> None:
    [rule] = [rule for rule in GROUP["rules"] if rule["alert"] == "BillingWebhooksRefusesGenuine"]
    assert re.search(r'reason=~"([a-z_|]+)"', rule["expr"]).group(1).split("|") == [*OURS]  # type: ignore[union-attr]


def test_alerts__each_has_its_own_name_and_its_place_in_the_docs() -> None:
    names = [rule["alert"] for rule in GROUP["rules"]]

    assert len(set(names)) == len(names)
    assert re.findall(r"^\| `(BillingWebhooks\w+)`", PAGE, re.MULTILINE) == names
