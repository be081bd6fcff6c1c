"""How receivers are connected, and that each event type has its signal."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from billing_webhooks.exceptions import DuplicateReceiver
from billing_webhooks.providers.billabear import signals as billabear
from billing_webhooks.providers.kinde import signals as kinde
from billing_webhooks.signals import EventSignal


def test_connect__two_receivers_of_one_name_are_an_error() -> None:
    signal = EventSignal("test")
    first, second = (lambda **kwargs: None for _ in range(2))

    def other(**kwargs: Any) -> None: ...

    signal.connect(first, weak=False, dispatch_uid="same")
    with pytest.raises(DuplicateReceiver, match="same"):
        signal.connect(other, weak=False, dispatch_uid="same")
    signal.connect(second, weak=False, dispatch_uid="another")
    assert list(signal.connected()) == ["same", "another"]


def test_connect__the_same_receiver_twice_is_one() -> None:
    signal = EventSignal("test")

    def hear(**kwargs: Any) -> None: ...

    signal.connect(hear)
    signal.connect(hear)
    assert len(signal.connected()) == 1


def test_connect__a_receiver_without_a_name_needs_a_dispatch_uid() -> None:
    signal = EventSignal("test")
    nameless = functools.partial(print, "heard")
    with pytest.raises(DuplicateReceiver, match="dispatch_uid"):
        signal.connect(nameless)
    signal.connect(nameless, dispatch_uid="named")
    assert list(signal.connected()) == ["named"]


def test_connect__a_receiver_that_is_gone_is_forgotten() -> None:
    signal = EventSignal("test")

    def hear(**kwargs: Any) -> None: ...

    signal.connect(hear)
    del hear
    assert signal.connected() == {}


def test_disconnect__takes_a_receiver_out() -> None:
    signal = EventSignal("test")

    def hear(**kwargs: Any) -> None: ...

    signal.connect(hear)
    assert signal.disconnect(hear)
    assert signal.connected() == {}
    assert not signal.disconnect(hear)


@pytest.mark.parametrize(
    ("module", "number"), [(kinde, 9), (billabear, 25)], ids=["kinde", "billabear"]
)
def test_signals__one_for_each_event_type(module: Any, number: int) -> None:
    declared = {value for value in vars(module).values() if isinstance(value, EventSignal)}
    assert len(module.SIGNALS) == len(declared) == number
    assert set(module.SIGNALS.values()) == declared
