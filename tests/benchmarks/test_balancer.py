"""The stand-in for a load balancer does what is asked of a real one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from benchmarks.cluster.balancer import Address, Balancer
from tests.chaos.events import Event

EVENT = Event("kinde", "event_1", b"a.b.c", is_payment=False)
OK = b"HTTP/1.1 200 OK\r\n\r\n"
PATIENCE_SECONDS = 30

Host = Callable[[bytes], Address]


@pytest.fixture
def host() -> Iterator[Host]:
    """Start a host that gives everybody the same answer, and then hangs up."""
    with ExitStack() as stack:
        threads: list[threading.Thread] = []

        def start(answer: bytes) -> Address:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            threads.append(threading.Thread(target=_serve, args=[listener, answer], daemon=True))
            threads[-1].start()
            address: Address = listener.getsockname()
            return address

        yield start


def _serve(listener: socket.socket, answer: bytes) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            connection.recv(4096)
            connection.sendall(answer)


def refusing() -> Address:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address: Address = listener.getsockname()
    return address


def balancer(*addresses: Address) -> Balancer:
    made = Balancer()
    for address in addresses:
        made.add(address)
    return made


def test_hosts__are_asked_in_turn(host: Host) -> None:
    one = balancer(host(OK), host(b"HTTP/1.1 503 Service Unavailable\r\n\r\n"))
    assert sorted(one.send(EVENT) for _ in range(4)) == [200, 200, 503, 503]


def test_refusing_host__is_passed_over(host: Host) -> None:
    one = balancer(refusing(), host(OK))
    assert [one.send(EVENT) for _ in range(4)] == [200] * 4
    assert one.passed_over


def test_no_host_left__told() -> None:
    with pytest.raises(ConnectionRefusedError):
        balancer(refusing()).send(EVENT)


def test_event_on_its_way__is_not_sent_to_another_host(host: Host) -> None:
    one = balancer(host(b""), host(b""))
    with pytest.raises(ConnectionResetError):
        one.send(EVENT)
    assert one.passed_over == 0


def test_drained_host__is_asked_no_more_and_has_answered() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = balancer(listener.getsockname())
        said: list[int] = []
        sender = threading.Thread(target=lambda: said.append(one.send(EVENT)))
        sender.start()
        connection, _ = listener.accept()
        drainer = threading.Thread(target=one.drain, args=[listener.getsockname()])
        drainer.start()
        drainer.join(0.1)
        assert drainer.is_alive()
        with connection:
            connection.recv(4096)
            connection.sendall(OK)
        for thread in (sender, drainer):
            thread.join(PATIENCE_SECONDS)
    assert (said, drainer.is_alive()) == ([200], False)
