"""The alerts, evaluated by Prometheus' own program: each fires in one case and not in another."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.once import on_one_database
from tests.servers.processes import NoServer
from tests.servers.prometheus import find

on_one_database()

RULES = Path(__file__).parents[2] / "docs" / "monitoring" / "alerts.yml"
CASES = Path(__file__).with_name("cases.yml")
NAMES = [rule["alert"] for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]]


@pytest.fixture(scope="module")
def promtool() -> str:
    try:
        return find("promtool")
    except NoServer as error:
        pytest.skip(f"No alert was tried: {error}.")


def told(command: list[str | Path]) -> tuple[int, str]:
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def outcomes() -> list[tuple[str, bool]]:
    """Return of each case the alert it is about and whether it fires."""
    tests = yaml.safe_load(CASES.read_text())["tests"]
    rules: list[dict[str, Any]] = [rule for test in tests for rule in test["alert_rule_test"]]
    return [(rule["alertname"], bool(rule.get("exp_alerts"))) for rule in rules]


def test_rules__are_understood(promtool: str) -> None:
    status, text = told([promtool, "check", "rules", RULES])
    assert status == 0, text
    assert f"SUCCESS: {len(NAMES)} rules found" in text


def test_alerts__come_and_stay_away_as_the_cases_say(promtool: str) -> None:
    status, text = told([promtool, "test", "rules", CASES])
    assert status == 0, text


def test_alerts__that_are_wrong_are_found(promtool: str, tmp_path: Path) -> None:
    rules = RULES.read_text()
    (tmp_path / "alerts.yml").write_text(rules.replace("seconds) > 300", "seconds) > 3000"))
    cases = CASES.read_text().replace("../../docs/monitoring/alerts.yml", "alerts.yml")
    (tmp_path / "cases.yml").write_text(cases)
    status, text = told([promtool, "test", "rules", tmp_path / "cases.yml"])
    assert (status != 0, "BillingWebhooksNotWorked" in text) == (True, True)


@pytest.mark.parametrize("name", NAMES)
def test_cases__are_there_for_each_alert(name: str) -> None:
    assert {fires for alert, fires in outcomes() if alert == name} == {True, False}
