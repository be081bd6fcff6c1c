"""The page about health says what the code does, and what it shows of other tools is tried."""

from __future__ import annotations

import json
import re
import shlex
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import call_command
from django.test import Client

from billing_webhooks import health, vitals
from billing_webhooks.health_views import UNREADY

PAGE = (Path(__file__).parents[2] / "docs" / "health.md").read_text()
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
WORD = re.compile(r'Problem\(\s*"(\w+)"')

pytestmark = pytest.mark.django_db


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def words(title: str) -> list[str]:
    """Return what the rows of a section's table are about."""
    return re.findall(r"^\| `(\w+)` \|", section(title), re.MULTILINE)


@pytest.mark.parametrize("title", ["What it complains of", "The first day"])
def test_words__are_those_of_the_code(title: str) -> None:
    code = Path(vitals.__file__).with_name("problems.py").read_text()
    told = [word for word in words(title) if word != "about"]
    assert sorted(told) == sorted(set(WORD.findall(code)))


def test_words__of_what_cannot_be_told() -> None:
    assert all(f"`{word}`" in section("Over HTTP") for word in UNREADY)


def test_json__fields_are_all_named() -> None:
    told = set(re.findall(r"`(\w+)`", section("As JSON")))
    found = health().as_json()
    assert {*found, *found["aliases"][0], *found["problems"][0]} <= told


@pytest.mark.urls("tests.health.urls")
def test_kubernetes__asks_for_what_there_is(client: Client) -> None:
    paths = re.findall(r"^ +path: (\S+)$", section("Kubernetes"), re.MULTILINE)
    assert [client.get(path).status_code for path in paths] == [200, 200]


@pytest.fixture
def strict(settings: Any) -> Any:
    """A site as it is deployed, of which somebody knows the name."""
    settings.ALLOWED_HOSTS = ["shop.example.com"]
    settings.MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.common.CommonMiddleware",
    ]
    return settings


def probes() -> list[dict[str, Any]]:
    """Return the probes that the page shows."""
    found = yaml.safe_load(re.findall(r"\n((?:    .*\n)+)", section("Kubernetes"))[0])
    return [found["livenessProbe"]["httpGet"], found["readinessProbe"]["httpGet"]]


@pytest.mark.urls("tests.health.urls")
@pytest.mark.parametrize("probe", probes(), ids=lambda probe: probe["path"])
def test_kubernetes__says_the_name_of_the_site(
    client: Client, strict: Any, probe: dict[str, Any]
) -> None:
    [header] = probe["httpHeaders"]
    named = {header["name"]: header["value"]}
    # Without it, kubelet says the address of the pod.
    by_address = {"Host": f"10.244.0.17:{probe['port']}"}
    assert client.get(probe["path"], headers=named).status_code == 200
    assert client.get(probe["path"], headers=by_address).status_code == 400


@pytest.mark.urls("tests.health.urls")
@pytest.mark.parametrize("probe", probes(), ids=lambda probe: probe["path"])
def test_kubernetes__is_not_redirected(strict: Any, probe: dict[str, Any]) -> None:
    [code] = [code for code in PYTHON.findall(PAGE) if "SECURE_SSL_REDIRECT" in code]
    told: dict[str, Any] = {}
    exec(code, told)  # noqa: S102 - our own text
    named = {"Host": "shop.example.com"}
    strict.SECURE_SSL_REDIRECT = told["SECURE_SSL_REDIRECT"]
    assert Client().get(probe["path"], headers=named).status_code == 301
    strict.SECURE_REDIRECT_EXEMPT = told["SECURE_REDIRECT_EXEMPT"]
    assert Client().get(probe["path"], headers=named).status_code == 200


def test_kubernetes__starts_a_command_that_exists() -> None:
    [text] = re.findall(r"^ +command: (.+)$", section("Kubernetes"), re.MULTILINE)
    out = StringIO()
    with pytest.raises(SystemExit):
        call_command(*json.loads(text)[2:], stdout=out)
    assert json.loads(out.getvalue())["is_well"] is False


def test_cron__starts_a_command_that_exists() -> None:
    call_command("billing_webhooks", "process", stdout=StringIO())
    [line] = re.findall(r"^    (\*/5 .+) > /dev/null$", section("Cron"), re.MULTILINE)
    _python, program, *arguments = shlex.split(line)[5:]
    assert program == "manage.py"
    call_command(*arguments, stdout=StringIO())
