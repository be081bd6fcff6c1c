"""The servers of all runs: PostgreSQL with fresh databases, Valkey, and a Kinde tenant."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import django
import psycopg
from django.db import connections

from billing_webhooks.testing import KindeIssuer
from tests.chaos.leaving import held
from tests.chaos.stage import SETTINGS
from tests.servers.postgres import PostgreSQL, postgres
from tests.servers.program import ROOT
from tests.servers.valkey import Valkey, valkey

BLANK = "blank"
DATABASES = ("chaos", "quiet")


@dataclass(frozen=True)
class Servers:
    postgres: PostgreSQL
    valkey: Valkey
    issuer: KindeIssuer

    def url(self, database: str) -> str:
        return self.postgres.url.rpartition("/")[0] + f"/{database}"

    def use(self) -> None:
        """Let Django use them in this process; models can be imported from then on."""
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "DATABASE_URL": self.url(DATABASES[0]),
            "CHAOS_QUIET_URL": self.url(DATABASES[1]),
            "CHAOS_ISSUER": self.issuer.url,
            "CELERY_BROKER_URL": self.valkey.url,
        }
        django.setup()

    def make_blank_database(self) -> None:
        self._execute(f"CREATE DATABASE {BLANK}")
        migrate = [sys.executable, "-m", "django", "migrate", "--run-syncdb", "--verbosity=0"]
        environment = {"DATABASE_URL": self.url(BLANK), "DJANGO_SETTINGS_MODULE": SETTINGS}
        subprocess.run(migrate, env={**os.environ, **environment}, cwd=ROOT, check=True)

    def renew(self) -> None:
        """Empty both databases and the broker."""
        connections.close_all()
        for name in DATABASES:
            self._execute(
                f"DROP DATABASE IF EXISTS {name} WITH (FORCE)",
                f"CREATE DATABASE {name} TEMPLATE {BLANK}",
            )
        self.valkey.flush()

    def _execute(self, *statements: str) -> None:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)


@contextmanager
def servers(directory: Path, *, is_durable: bool = False) -> Iterator[Servers]:
    """
    Start them in a directory; raise NoServer if what they need is not installed.

    `is_durable` is PostgreSQL's, as in `postgres`.
    """
    with ExitStack() as stack:
        with held():
            started = Servers(
                stack.enter_context(postgres(directory, is_durable=is_durable)),
                stack.enter_context(valkey(directory)),
                stack.enter_context(KindeIssuer()),
            )
        started.make_blank_database()
        yield started
