"""
Play a month of both providers through the example project, over HTTP.

    python example_project/demo.py            play it and show what came of it
    python example_project/demo.py --serve    leave the project running to look around

Everything is on this machine: the server, the database, and a stand-in for Kinde. The events
arrive within seconds, each at a server whose clock is set to its moment of the last 30 days.
With --serve, what failed is tried again as it is due, and KINDE_ISSUER and BILLABEAR_SECRETS
let you send events of your own.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import quote

# Called by its path, this file has its own folder on the path, where celery.py would hide
# Celery; what is wanted is the one above.
FOLDER = Path(__file__).resolve().parent
sys.path[0] = str(FOLDER.parent)

import django  # noqa: E402

from billing_webhooks.testing import KindeIssuer  # noqa: E402
from example_project.demonstration import server  # noqa: E402

DATABASE = FOLDER / "demo.sqlite3"
# Stands in the header of every database made here: no other one is ever removed.
APPLICATION_ID = 0x44425748
SERVE_PORT = 8000
USER = PASSWORD = "demo"
# Two of them come with extras; who is logged in may read all.
PAGES_FOR_PROGRAMS = {
    "API": "billing_webhooks_api:customers-list",
    "metrics": "billing_webhooks_metrics:scrape",
    "health": "billing_webhooks_health:well",
}


class NotOurs(Exception):
    """The file is no database of this demo, so it is left alone."""


def main(arguments: Sequence[str]) -> int:
    """Return the exit status: 0 if everything came out as it must."""
    options = _options(arguments)
    database = options.database.resolve()
    signal.signal(signal.SIGTERM, _leave)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, _leave)
    _set_up(database)
    try:
        with KindeIssuer() as issuer:
            if not options.serve:
                return play(database, issuer)
            if not database.exists() and play(database, issuer) != 0:
                return 1
            return serve(database, issuer, options.port)
    except KeyboardInterrupt:
        print("\nStopped.")
        return 0 if options.serve else 128 + signal.SIGINT
    except (NotOurs, server.ServerFailed) as error:
        print(error, file=sys.stderr)
        return 1


def play(database: Path, issuer: KindeIssuer) -> int:
    """Play a month on a fresh database, show what came of it, return the status."""
    # Models can be imported only when Django is set up.
    from example_project.demonstration import playing, report

    _remove(database)
    _prepare(database)
    secret = secrets.token_urlsafe(24)
    month = playing.month(issuer, secret, datetime.now(UTC))
    port = server.free_port()
    print("A month of billing, played through the example project over HTTP\n")
    print(f"  database  {_shown(database)}, made anew")
    print(f"  server    http://{server.HOST}:{port}/webhooks/, its clock set to each arrival")
    print(f"  Kinde     a stand-in that signs events, its key set at {issuer.url}\n")
    environment = {
        "DJANGO_SETTINGS_MODULE": "example_project.demonstration.settings",
        "KINDE_ISSUER": issuer.url,
        "KINDE_JWKS_URL": "",
        "BILLABEAR_SECRETS": secret,
    }
    with server.running(port, environment, quiet=True):
        answers = playing.play(month, f"http://{server.HOST}:{port}")
    for history in month.stories:
        report.show(history, [answers[id(delivery)] for delivery in history.deliveries])
    report.show_rest(month, answers)
    print("And why?\n")
    for line in report.why(month.stories[0]):
        print(f"  {line}".rstrip())
    print()
    problems = list(report.problems(month, answers))
    for problem in problems:
        print(f"WRONG: {problem}")
    if problems:
        return 1
    print("Everything came out as it must.")
    print(
        f"Look around: make serve, then http://{server.HOST}:{SERVE_PORT}/admin/ "
        f"as user {USER} with password {PASSWORD}"
    )
    return 0


def serve(database: Path, issuer: KindeIssuer, port: int) -> int:
    """Serve the database until Ctrl-C. Return 1 if the server ends before."""
    _prepare(database)
    port = server.free_port(port)
    environment = {
        "KINDE_ISSUER": os.environ.get("KINDE_ISSUER", issuer.url),
        "BILLABEAR_SECRETS": os.environ.get("BILLABEAR_SECRETS", secrets.token_urlsafe(24)),
    }
    address = f"http://{server.HOST}:{port}"
    with server.running(port, environment) as process, server.trying_again(environment):
        print(f"\nServing {_shown(database)} until Ctrl-C\n")
        print(f"  admin     {address}/admin/")
        print(f"  log in    as user {USER} with password {PASSWORD}")
        print(f"  webhooks  {address}/webhooks/kinde/ and {address}/webhooks/billabear/")
        for name, path in _pages_for_programs():
            print(f"  {name:8}  {address}{path}")
        print()
        process.wait()
    print("The server has ended.", file=sys.stderr)
    return 1


def _pages_for_programs() -> Iterator[tuple[str, str]]:
    """Yield the name and the path of each page that is there."""
    from django.urls import NoReverseMatch, reverse

    for name, view in PAGES_FOR_PROGRAMS.items():
        with suppress(NoReverseMatch):
            yield name, reverse(view)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--serve", action="store_true", help="leave the project running")
    parser.add_argument("--database", type=Path, default=DATABASE, help="another SQLite file")
    parser.add_argument(
        "--port", type=int, default=SERVE_PORT, help="where to serve, if it is free"
    )
    return parser.parse_args(arguments)


def _leave(number: int, frame: Any) -> NoReturn:
    """End by way of every `finally`, so that no server is left behind."""
    raise SystemExit(128 + number)


def _set_up(database: Path) -> None:
    os.environ["DATABASE_URL"] = f"sqlite:///{quote(str(database))}"
    os.environ["DJANGO_SETTINGS_MODULE"] = "example_project.settings"
    # There is no worker here that a broker could wake.
    os.environ.pop("CELERY_BROKER_URL", None)
    django.setup()


def _remove(database: Path) -> None:
    """Remove an old database of this demo. Raise NotOurs for any other file."""
    if not database.exists():
        return
    try:
        with closing(sqlite3.connect(database)) as connection:
            (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    except sqlite3.DatabaseError:
        application_id = None
    if application_id != APPLICATION_ID:
        raise NotOurs(f"{database} was not made by this demo. Move it away, or use --database.")
    for suffix in ("", "-wal", "-shm"):
        Path(f"{database}{suffix}").unlink(missing_ok=True)


def _prepare(database: Path) -> None:
    """Migrate the database, and let the demo's user into its admin."""
    from django.contrib.auth import get_user_model
    from django.core.management import call_command

    if not database.exists():
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    call_command("migrate", verbosity=0, skip_checks=True)
    users = get_user_model()._default_manager
    if not users.filter(username=USER).exists():
        users.create_superuser(USER, password=PASSWORD)


def _shown(path: Path) -> str:
    """Return a path as seen from the current folder, if it is below it."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
