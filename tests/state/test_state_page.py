"""Every line of the table in docs/state.md is played, so that it cannot lie."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from billing_webhooks.models import WebhookEvent
from billing_webhooks.providers.billabear import signals as billabear
from billing_webhooks.providers.kinde import signals as kinde
from billing_webhooks.signals import DOMAIN_SIGNALS
from tests.conftest import Connect, PostBillaBear, PostKinde, at
from tests.once import on_one_database
from tests.state import rows
from tests.state.situations import NAMES, STATES, TYPES, Posted
from tests.test_docs import ROOT

on_one_database()

pytestmark = pytest.mark.django_db

PAGE = (ROOT / "docs" / "state.md").read_text()
# Event, state before, rows after, signals.
Line = tuple[str, str, str, str]


def lines(provider: str) -> Iterator[Line]:
    """Yield the lines of a provider's table, without its head."""
    section = PAGE.partition(f"\n## {NAMES[provider]}\n")[2].partition("\n## ")[0]
    for line in re.findall(r"^\| (.*) \|$", section, re.MULTILINE):
        event, state, after, signals = (cell.strip() for cell in line.split("|"))
        if event not in {"event", "---"}:
            yield event.strip("`"), state, after, signals


LINES = [(provider, *line) for provider in NAMES for line in lines(provider)]


@pytest.fixture
def heard(connect: Connect) -> list[str]:
    """The names of the domain signals that were heard."""
    heard: list[str] = []
    for name, signal in DOMAIN_SIGNALS.items():
        connect(signal, lambda name=name, **arguments: heard.append(name))
    return heard


@pytest.fixture
def post(post_kinde: PostKinde, post_billabear: PostBillaBear) -> Callable[[str, Posted], None]:
    def post(provider: str, posted: Posted) -> None:
        if provider == "kinde":
            claims: dict[str, Any] = {
                **posted.claims,
                "occurred_at": at(posted.claims["occurred_at"]),
            }
            response = post_kinde(posted.event_type, posted.content, **claims)
        else:
            response = post_billabear(posted.event_type, **posted.content)
        assert response.status_code == 200

    return post


@pytest.mark.parametrize(
    ("provider", "event", "state", "after", "signals"),
    LINES,
    ids=[f"{provider} {event}, {state}" for provider, event, state, *_ in LINES],
)
def test_line__is_what_happens(
    post: Callable[[str, Posted], None],
    heard: list[str],
    provider: str,
    event: str,
    state: str,
    after: str,
    signals: str,
) -> None:
    before, posted = STATES[provider][state](event)
    for each in before:
        post(provider, each)
    known = rows.rows()
    heard.clear()
    post(provider, posted)

    assert not WebhookEvent.objects.exclude(state="processed").exists()
    told = ", ".join(f"`{name}`" for name in heard) or "nothing"
    assert f"{after} | {signals}" == f"{rows.told(known, rows.rows())} | {told}"


def test_table__has_every_event_type_of_both_providers() -> None:
    told = {(provider, event) for provider, event, *_ in LINES}
    types = {"kinde": kinde.SIGNALS, "billabear": billabear.SIGNALS}
    assert told == {
        (provider, name.removeprefix("customer.")) for provider in types for name in types[provider]
    }
    assert {name: len(types[name]) for name in types} == {"kinde": 9, "billabear": 25}
    assert {name: set(TYPES[name]) for name in types} == {
        name: {event for provider, event in told if provider == name} for name in types
    }


def test_table__has_no_line_twice() -> None:
    places = [line[:3] for line in LINES]
    assert len(places) == len(set(places))


def test_page__says_what_each_state_before_means_and_uses_it() -> None:
    for provider, states in STATES.items():
        used = {state for name, _event, state, *_ in LINES if name == provider}
        assert used == set(states)
        section = PAGE.partition(f"\n## {NAMES[provider]}\n")[2].partition("\n## ")[0]
        assert set(re.findall(r"^- \*\*(.+?)\*\*:", section, re.MULTILINE)) == set(states)
