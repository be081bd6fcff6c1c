"""What the catalogue needs: who takes part, the servers, and a database that is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.apps import apps
from pytest_django import DjangoDbBlocker

from billing_webhooks.models import WebhookEvent
from billing_webhooks.testing import KindeIssuer
from tests.catalogue.all_cases import CASES
from tests.catalogue.cases import KINDE, Trap, World
from tests.catalogue.sending import post
from tests.catalogue.servers import Server, gunicorn, uvicorn
from tests.kinde.origin import Origin, answer
from tests.kinde.tokens import EVENT
from tests.outcomes import ALL_MODELS, forget

Aliases = Mapping[str, Mapping[str, Any]]


@pytest.fixture(scope="package")
def world(_tenant: KindeIssuer) -> Iterator[World]:
    trap = Trap()
    yield World(_tenant, rsa.generate_private_key(public_exponent=65537, key_size=2048), trap)
    trap.close()


@pytest.fixture(scope="package")
def key_sets(world: World) -> Iterator[Origin]:
    """The places of the aliases' key sets: the tenant's, where a case has none of its own."""
    answers = {f"/{case.alias}": case.keys(world.issuer) for case in CASES if case.keys is not None}
    with Origin(answer(world.issuer.jwks), answers) as origin:
        yield origin


@pytest.fixture(scope="package")
def aliases(world: World, key_sets: Origin) -> Aliases:
    urls = {case.alias: case.keys_url or key_sets.url_of(f"/{case.alias}") for case in CASES}
    return {alias: {"ISSUER": world.issuer.url, "JWKS_URL": url} for alias, url in urls.items()}


# A server that is started before there is a test database looks at the wrong one.
@pytest.fixture(scope="package")
def gunicorn_server(
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
    world: World,
    aliases: Aliases,
) -> Iterator[Server]:
    with gunicorn(tmp_path_factory.mktemp("gunicorn"), aliases) as server:
        yield warm(server, world)


@pytest.fixture(scope="package")
def uvicorn_server(
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
    world: World,
    aliases: Aliases,
) -> Iterator[Server]:
    with uvicorn(tmp_path_factory.mktemp("uvicorn"), aliases) as server:
        yield warm(server, world)


def warm(server: Server, world: World) -> Server:
    """Have a server fetch the keys that most cases are proven by."""
    answer = server.send(post(f"/webhooks/{KINDE}", world.issuer.sign(EVENT)))
    assert answer.status == 200, server.text()
    return server


@pytest.fixture
def server(request: pytest.FixtureRequest, transactional_db: None) -> Server:
    """The server that a test is parametrized with, with nothing in its database."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    # What was stored while it started.
    forget_everything()
    server.logbook.news()
    return server


@pytest.fixture
def transactional_db(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """
    The database of the tests, which other processes write to, empty again afterwards.

    It takes the place of pytest-django's fixture, whose way to empty all tables would take
    longer than most cases.
    """
    with django_db_blocker.unblock():
        yield
        forget_everything()


def forget_everything() -> None:
    """Delete every row, if there is one: without an event nothing is ever written."""
    if not WebhookEvent.objects.exists():
        return
    for model in apps.get_app_config("billing_webhooks").get_models():
        if model not in ALL_MODELS:
            queryset: Any = model._base_manager.all()
            queryset._raw_delete(queryset.db)
    forget()
