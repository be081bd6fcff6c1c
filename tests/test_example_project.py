"""The example project and its demonstration, run as a newcomer runs them."""

from __future__ import annotations

import http.cookiejar
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.once import on_one_database
from tests.played import EXAMPLE, Played, clean_environment, played, run

on_one_database()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The environment without what would change the example project's settings."""
    return {
        **clean_environment(),
        "BILLABEAR_SECRETS": "a-secret-for-the-tests",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'example.sqlite3'}",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--fail-level", "WARNING"),
        ("makemigrations", "--check", "--dry-run"),
        ("migrate",),
    ],
    ids=lambda arguments: arguments[0],
)
def test_manage__any_folder__is_clean(
    arguments: tuple[str, ...], environment: dict[str, str], tmp_path: Path
) -> None:
    status, output = run("manage.py", *arguments, env=environment, cwd=tmp_path)

    assert status == 0, output
    assert "WARNING" not in output


@pytest.fixture
def demo() -> Played:
    return played()


def test_demo__bare__ends_with_status_0(demo: Played) -> None:
    assert demo.status == 0, demo.output
    assert "WRONG" not in demo.output


@pytest.mark.parametrize(
    "line",
    [
        "  deliveries sent    22",
        "  answers            200: 20, 400: 1, 401: 1",
        "  events stored      19  (processed: 19)",
        f"  billing@northwind.example  Pro      active     yes: active {3:>9}         0         3",
        "  deliveries sent    28",
        "  answers            200: 26, 400: 1, 401: 1",
        "  events stored      26  (processed: 25, quarantined: 1)",
        "  grace@compiler.example  Studio  cancelling  yes: cancelling_open  1         0         0",
        "  Yes: billing@northwind.example has access.",
        "         1  plan_changed",
        "  kinde      260         200: 253, 401: 6, 413: 1  "
        "dead: 3, processed: 248, quarantined: 1",
        "  billabear  126         200: 117, 400: 2, 401: 7  "
        "dead: 2, pending: 8, processed: 107, quarantined: 2",
        "       8  A receipt that could not be sent: pending",
        "Everything came out as it must.",
    ],
)
def test_demo__bare__says(line: str, demo: Played) -> None:
    assert line in demo.output.splitlines()


def test_demo__bare__ends_with_how_to_look_around(demo: Played) -> None:
    assert demo.output.splitlines()[-1] == (
        "Look around: make serve, then http://127.0.0.1:8000/admin/ as user demo with password demo"
    )


def test_demo__bare__events_arrived_in_the_last_30_days(demo: Played) -> None:
    arrivals = [
        (datetime.fromisoformat(received), datetime.fromisoformat(processed or received))
        for received, processed in events(demo, "received_at", "processed_at")
    ]
    now = datetime.now(UTC).replace(tzinfo=None)

    assert len({received.date() for received, _processed in arrivals}) in {30, 31}
    assert all(received <= processed <= now for received, processed in arrivals)


def test_demo__bare__less_happens_by_night(demo: Played) -> None:
    hours = [datetime.fromisoformat(received).hour for (received,) in events(demo, "received_at")]

    assert sum(hour < 6 for hour in hours) < sum(8 <= hour < 14 for hour in hours) / 3


def test_demo__bare__what_is_pending_waits_for_the_mail_server(demo: Played) -> None:
    errors = {error for state, error in events(demo, "state", "last_error") if state == "pending"}

    assert errors == {"Failed: example_project.journal.receivers.send_receipt."}


def test_demo__database_of_somebody_else__is_left_alone(
    environment: dict[str, str], tmp_path: Path
) -> None:
    database = tmp_path / "precious.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE precious (id)")
    before = database.read_bytes()

    status, output = run("demo.py", "--database", str(database), env=environment, cwd=tmp_path)

    assert status == 1
    assert "was not made by this demo" in output
    assert database.read_bytes() == before


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C is sent as a POSIX signal")
def test_demo__serve__runs_until_ctrl_c(
    demo: Played, environment: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-u", str(EXAMPLE / "demo.py"), "--serve", "--port", "0"]
    with subprocess.Popen(
        [*command, "--database", str(demo.database)],
        env=environment,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    ) as serving:
        try:
            pages = dict(addresses(serving))
            admin = pages["admin"]
            styles = admin.replace("admin/", "static/admin/css/base.css")
            answers = [status_of(admin), status_of(styles)]
            browser = logged_in(admin)
            read = {name: content(browser, pages[name]) for name in ("API", "metrics", "health")}
            serving.send_signal(signal.SIGINT)
            ended = serving.wait(20)
        finally:
            serving.kill()

    assert answers == [200, 200]
    assert "billing@northwind.example" in read["API"]
    assert 'billing_webhooks_events{provider="billabear",state="pending"}' in read["metrics"]
    assert json.loads(read["health"]).keys() == {"problems"}
    assert ended == 0
    assert is_gone(admin)


def events(demo: Played, *columns: str) -> list[tuple[Any, ...]]:
    """Return these columns of every event."""
    query = f"SELECT {', '.join(columns)} FROM billing_webhooks_webhookevent"  # noqa: S608
    with closing(sqlite3.connect(demo.database)) as connection:
        return connection.execute(query).fetchall()


def addresses(serving: subprocess.Popen[str]) -> Iterator[tuple[str, str]]:
    """Yield names and addresses as they are printed, up to the last."""
    assert serving.stdout is not None
    for line in serving.stdout:
        if line.startswith("  ") and "http://" in line:
            yield line.split()[0], line.split()[1]
        if line.startswith("  health "):
            return


def logged_in(admin: str) -> urllib.request.OpenerDirector:
    """Return what keeps the cookies of the demo's user."""
    cookies = http.cookiejar.CookieJar()
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    address = f"{admin}login/"
    content(browser, address)
    [token] = [cookie.value for cookie in cookies if cookie.name == "csrftoken"]
    form = {"username": "demo", "password": "demo", "csrfmiddlewaretoken": token}
    content(browser, address, urllib.parse.urlencode(form).encode())
    return browser


def content(browser: urllib.request.OpenerDirector, url: str, data: bytes | None = None) -> str:
    """Return what is answered, be it that something is not well."""
    try:
        answer = browser.open(url, data, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return str(answer.read().decode())


def status_of(url: str) -> int:
    with urllib.request.urlopen(url, timeout=20) as answer:  # noqa: S310
        return int(answer.status)


def is_gone(url: str) -> bool:
    """Return whether nobody answers at a URL any more, waiting a moment for it."""
    for _ in range(50):
        try:
            status_of(url)
        except urllib.error.URLError:
            return True
        time.sleep(0.1)
    return False
