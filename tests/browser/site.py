"""The example project, served for a browser out of a database of its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from example_project.demonstration import server

SECRET = "a-secret-for-the-browser"


@contextmanager
def serving(database: Path) -> Iterator[str]:
    """Serve a database while the context lasts; yield the address, such as "http://…:8000"."""
    port = server.free_port()
    environment = {
        "DATABASE_URL": f"sqlite:///{database}",
        "DJANGO_SETTINGS_MODULE": "tests.browser.settings",
        "SECRET_KEY": "for the browser tests only",
        "BILLABEAR_SECRETS": SECRET,
        "CELERY_BROKER_URL": "",
        "DEBUG": "",
    }
    with server.running(port, environment, quiet=True):
        yield f"http://{server.HOST}:{port}"


def copied(database: Path, folder: Path) -> Path:
    """Return a copy of a database, to be changed at will."""
    copy = folder / database.name
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    return copy
