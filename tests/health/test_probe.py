"""The command as cron and Kubernetes run it: a process, its exit status and what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from billing_webhooks.models import Heartbeat
from tests.once import on_one_database
from tests.servers.processes import free_port

on_one_database()

Probe = Callable[..., "subprocess.CompletedProcess[str]"]
NAMES = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
AWAY = {"ENGINE": "django.db.backends.postgresql", "HOST": "127.0.0.1", "USER": "shop"}


def probe(database: Mapping[str, Any], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "django", "billing_webhooks", "health", *arguments]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.health.settings",
        "TESTS_DATABASE": json.dumps(database),
    }
    return subprocess.run(command, env=environment, text=True, capture_output=True, timeout=120)


@pytest.fixture
def here(transactional_db: None) -> Mapping[str, Any]:
    return {name: connection.settings_dict[name] for name in NAMES}


def test_probe__of_an_inbox_that_is_well(here: Mapping[str, Any]) -> None:
    Heartbeat.objects.create(name="sweep", at=timezone.now())
    done = probe(here, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["is_well"] is True


def test_probe__of_one_to_be_looked_at(here: Mapping[str, Any]) -> None:
    done = probe(here)
    assert done.returncode == 1
    assert done.stderr.startswith("CommandError: No sweep has ever run")
    assert done.stdout.startswith("0 due, 0 pending")


def test_probe__of_a_database_that_is_away() -> None:
    away = {**AWAY, "PORT": free_port(), "NAME": "shop", "PASSWORD": "hunter2"}
    done = probe(away, "--json")
    expected = "CommandError: The database 'default' cannot be asked (OperationalError).\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", expected)
