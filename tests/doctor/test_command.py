"""The doctor in a process of its own, as an operator calls it."""

from __future__ import annotations

from pathlib import Path

import pytest

from billing_webhooks.testing import KindeIssuer
from tests.once import on_one_database
from tests.played import run

on_one_database()

DOCTOR = ("billing_webhooks", "doctor")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {
        "ALLOWED_HOSTS": "shop.example.com",
        "BILLABEAR_SECRETS": "kR3_t-zW9.xLq7VbN2mPd8sY",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.sqlite3'}",
    }


def test_newly_made__all_that_is_left_to_do(environment: dict[str, str], tmp_path: Path) -> None:
    environment |= {"BILLABEAR_SECRETS": "changeme" * 3, "KINDE_ISSUER": "http://127.0.0.1:1"}
    status, output = run("manage.py", *DOCTOR, env=environment, cwd=tmp_path)

    assert status == 1
    for part in ("W204", "0001_initial", "nobody listens there", "CommandError: 3 problems."):
        assert output.count(part) == 1
    assert "changeme" not in output


def test_all_done__status_0(environment: dict[str, str], tmp_path: Path) -> None:
    with KindeIssuer() as issuer:
        environment["KINDE_ISSUER"] = issuer.url
        for command in (("migrate",), ("billing_webhooks", "process"), DOCTOR):
            status, output = run("manage.py", *command, env=environment, cwd=tmp_path)
            assert status == 0, output

    # Not even a log line between them.
    said = {line.split()[0] for line in output.splitlines()}
    assert said == {"ok", "No"}
