"""The least that an endpoint can do: answer, verify a signature, commit one row."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import psycopg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.db import connection

from benchmarks.bench import Bench

BODY = b"x" * 1024
TABLE = (
    "CREATE TABLE IF NOT EXISTS floor "
    "(id {uuid} PRIMARY KEY, key text UNIQUE, at {time}, body {bytes})"
)
INSERT = "INSERT INTO floor VALUES ({0}, {0}, {0}, {0})"


def verification() -> Callable[[], None]:
    """Return what verifies an RSA signature of 2048 bits, by `cryptography` and nothing else."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    padded, sha256 = padding.PKCS1v15(), hashes.SHA256()
    signature, public = key.sign(BODY, padded, sha256), key.public_key()
    return lambda: public.verify(signature, BODY, padded, sha256)


@contextmanager
def insertion(bench: Bench) -> Iterator[Callable[[], object]]:
    """Yield what commits a row with a unique key, by the database's driver and nothing else."""
    if bench.is_postgres:
        with psycopg.connect(bench.url, autocommit=True) as session:
            session.execute(TABLE.format(uuid="uuid", time="timestamptz", bytes="bytea"))
            statement = INSERT.format("%s")
            yield lambda: session.execute(statement, _row())
        return
    path = connection.settings_dict["NAME"]
    with closing(sqlite3.connect(path, isolation_level=None)) as session:
        session.execute("PRAGMA synchronous=NORMAL")
        session.execute(TABLE.format(uuid="text", time="text", bytes="blob"))
        statement = INSERT.format("?")
        yield lambda: session.execute(statement, _row())


def _row() -> tuple[str, str, str, bytes]:
    return secrets.token_hex(16), secrets.token_hex(32), datetime.now(UTC).isoformat(), BODY
