"""Many senders at once, slow ones, and ones who do not wait for the answer."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from billing_webhooks.models import Customer, Payment, WebhookEvent
from tests.catalogue.cases import World
from tests.catalogue.conftest import Aliases, forget_everything, warm
from tests.catalogue.invariants import assert_clean
from tests.catalogue.sending import Request, exchange, post
from tests.catalogue.servers import Server, gunicorn
from tests.celery_engine.waiting import wait_for
from tests.kinde.events import event

PAYMENT = {"customer_id": "customer_1", "payment_id": "payment_1", "amount": 3000}
SENDERS = 100


@pytest.fixture(scope="module")
def many_server(
    django_db_setup: None,
    tmp_path_factory: pytest.TempPathFactory,
    world: World,
    aliases: Aliases,
) -> Iterator[Server]:
    with gunicorn(tmp_path_factory.mktemp("many"), aliases, "--workers=4") as server:
        yield warm(server, world)


on_both = pytest.mark.parametrize("server", ["many", "uvicorn"], indirect=True)


def paid(world: World, number: int = 1) -> Request:
    data = {**PAYMENT, "payment_id": f"payment_{number}"}
    claims = event(type="customer.payment_succeeded", data=data, event_id=f"event_{number}")
    return post("/webhooks/kinde", world.issuer.sign(claims))


def statuses(servers: Sequence[Server], requests: Sequence[Request]) -> Counter[int]:
    """Send all at once, to the servers in turn, and count the answers."""
    with ThreadPoolExecutor(len(requests)) as pool:
        answers = [
            pool.submit(exchange, servers[number % len(servers)].address, request)
            for number, request in enumerate(requests)
        ]
        return Counter(answer.result().status for answer in answers)


@on_both
def test_a_hundred_equal_posts__one_event(server: Server, world: World) -> None:
    request = paid(world)

    assert statuses([server], [request] * SENDERS) == {200: SENDERS}
    stored = WebhookEvent.objects.get()
    assert (bytes(stored.body), stored.deliveries) == (request.body, SENDERS)
    assert (stored.state, stored.attempts) == ("processed", 1)
    assert Payment.objects.count() == Customer.objects.count() == 1
    for record in server.logbook.news():
        assert_clean(record)


@on_both
def test_a_hundred_different_posts__each_stored(server: Server, world: World) -> None:
    requests = [paid(world, number) for number in range(SENDERS)]

    assert statuses([server], requests) == {200: SENDERS}
    assert {bytes(stored.body) for stored in WebhookEvent.objects.all()} == {
        request.body for request in requests
    }
    assert set(WebhookEvent.objects.values_list("deliveries", flat=True)) == {1}


def test_equal_posts_to_two_servers__one_event(
    transactional_db: None, many_server: Server, uvicorn_server: Server, world: World
) -> None:
    forget_everything()

    assert statuses([many_server, uvicorn_server], [paid(world)] * SENDERS) == {200: SENDERS}
    assert WebhookEvent.objects.get().deliveries == SENDERS
    assert Payment.objects.count() == 1


@pytest.mark.parametrize("server", ["uvicorn"], indirect=True)
def test_slow_bodies__keep_nobody_out(server: Server, world: World) -> None:
    """A gunicorn of synchronous workers waits for each: it belongs behind a proxy."""
    request = paid(world)
    with ExitStack() as stack:
        for _ in range(20):
            slow = stack.enter_context(socket.create_connection(server.address, timeout=10))
            slow.sendall(request.wire[:-20])

        assert server.send(request).status == 200
    assert WebhookEvent.objects.get().deliveries == 1


@pytest.mark.parametrize("server", ["gunicorn"], indirect=True)
def test_sender_who_hangs_up__is_stored_all_the_same(server: Server, world: World) -> None:
    request = paid(world)
    hang_up(server, request)
    wait_for(WebhookEvent.objects.filter(state="processed").exists)

    assert server.send(request).status == 200
    stored = WebhookEvent.objects.get()
    assert (bytes(stored.body), stored.deliveries, stored.attempts) == (request.body, 2, 1)


@pytest.mark.parametrize("server", ["uvicorn"], indirect=True)
def test_sender_who_hangs_up__may_send_again(server: Server, world: World) -> None:
    """Under ASGI Django gives a request up with its sender, wherever it is by then."""
    request = paid(world)
    hang_up(server, request)

    assert server.send(request).status == 200
    wait_for(WebhookEvent.objects.filter(state="processed").exists)
    stored = WebhookEvent.objects.get()
    assert (bytes(stored.body), stored.attempts) == (request.body, 1)
    assert stored.deliveries in {1, 2}
    assert Payment.objects.count() == 1


def hang_up(server: Server, request: Request) -> None:
    with socket.create_connection(server.address, timeout=10) as connection:
        connection.sendall(request.wire)
