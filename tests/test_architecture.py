"""The structure that the package promises, held against its own code."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.test import Client

import billing_webhooks
from billing_webhooks.models import Subscription, WebhookEvent
from billing_webhooks.signals import subscription_started
from tests.once import on_one_database
from tests.test_docs import blocks

on_one_database()

PACKAGE = Path(billing_webhooks.__file__).parent

# Calls and imports go down this page, never up.
FLOW = (
    ("urls", "apps", "health_urls"),
    ("health_views", "contrib"),
    ("views", "admin", "api", "management", "metrics", "templatetags"),
    ("overview", "operating"),
    ("diagnosis", "exporting"),
    ("previewing", "rebuilding", "vitals", "explaining"),
    ("rescheduling",),
    ("replaying",),
    ("rhythm",),
    ("checks", "reaching"),
    ("probing",),
    ("intake",),
    ("storing",),
    ("dispatch",),
    ("nudging",),
    ("publishing",),
    ("tasks",),
    ("sweeping", "pruning", "erasing", "reencrypting"),
    ("jobs",),
    ("emptying",),
    ("processing",),
    ("batching",),
    ("reading",),
    ("receivers", "projection", "differences", "confirming"),
    ("linking",),
    ("notifications", "attempts"),
    ("mailboxes", "keeping", "redaction", "refusals", "finding", "heartbeats", "tracing"),
    ("spans",),
    ("access", "logs"),
    ("database", "bulk", "inserting"),
    ("compiled",),
    ("models",),
    ("providers", "encryption"),
    ("signals", "facts"),
    ("conf", "addresses", "wording"),
    ("exceptions", "findings", "schedule", "testing"),
    ("lifecycle",),
    ("harmless",),
)
RANKS = {name: rank for rank, names in enumerate(FLOW) for name in names}
MAX_LINES = 300


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts)


def part_of(module: str) -> str:
    """Return the part of the flow that a dotted name below the package belongs to."""
    return module.split(".")[1] if "." in module else ""


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module == "billing_webhooks":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
            else:
                yield node.module


def name_of(path: Path) -> str:
    return ".".join((PACKAGE.name, *path.relative_to(PACKAGE).with_suffix("").parts))


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports__go_one_way(path: Path) -> None:
    own = part_of(name_of(path))
    if own == "__init__":
        return
    for imported in imports(path):
        if imported.startswith("billing_webhooks.") and part_of(imported) != own:
            assert RANKS[own] < RANKS[part_of(imported)], f"{own} imports {imported}"


@pytest.mark.parametrize("provider", ["kinde", "billabear"])
def test_providers__know_nothing_of_each_other(provider: str) -> None:
    allowed = (f"billing_webhooks.providers.{provider}", "billing_webhooks.providers.base")
    modules = ("fetching", "keeping", "paths", "strict_json")
    shared = {f"billing_webhooks.providers.{name}" for name in modules}
    for path in (PACKAGE / "providers" / provider).glob("*.py"):
        for imported in imports(path):
            if imported.startswith("billing_webhooks.providers"):
                assert imported.startswith(allowed) or imported in shared


def test_core__names_no_provider() -> None:
    of_a_provider = ("providers/kinde/", "providers/billabear/", "testing/")
    for path in modules():
        if not path.relative_to(PACKAGE).as_posix().startswith(of_a_provider):
            text = path.read_text().lower()
            assert "kinde" not in text, path
            assert "billabear" not in text, path


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_modules__can_be_held_in_the_head(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES


# A third provider: everything it takes is in the documentation, as one block of code.

SIGNED = {
    "id": "1",
    "kind": "contract.signed",
    "who": "wile@acme.example",
    "contract": "c-1",
    "plan": "rockets",
}
KEY = {"X-Acme-Key": "let me in"}


@pytest.fixture
def acme(settings: Any, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that docs/providers.md shows, configured as `acme`."""
    module = ModuleType("acme_webhooks")
    (code,) = blocks(Path(__file__).parent.parent / "docs" / "providers.md", "python")
    exec(compile(code, "providers.md", "exec"), vars(module))  # noqa: S102 - our own text
    monkeypatch.setitem(sys.modules, module.__name__, module)
    settings.BILLING_WEBHOOKS_PROVIDERS = {
        "acme": {"BACKEND": "acme_webhooks.AcmeProvider", "OPTIONS": {"KEY": KEY["X-Acme-Key"]}}
    }
    return module


@pytest.mark.django_db(transaction=True)
def test_third_provider__needs_no_other_file(client: Client, acme: ModuleType) -> None:
    told: list[str] = []
    for signal in (acme.contract_signed, subscription_started):
        signal.connect(
            lambda signal, **kwargs: told.append(signal.name), weak=False, dispatch_uid="acme"
        )
    try:
        answers = [
            client.post("/webhooks/acme", json.dumps(SIGNED), "text/plain", headers=headers)
            for headers in (KEY, KEY, {"X-Acme-Key": "wrong"}, {})
        ]
    finally:
        subscription_started.disconnect(dispatch_uid="acme")

    assert [answer.status_code for answer in answers] == [200, 200, 401, 401]
    event = WebhookEvent.objects.get()
    assert (event.state, event.outcome, event.deliveries) == ("processed", "applied", 2)
    subscription = Subscription.objects.get(provider="acme", external_id="c-1")
    assert subscription.status == "active"
    assert subscription.plan is not None
    assert subscription.plan.code == "rockets"
    assert subscription.customer is not None
    assert subscription.customer.external_id == "wile@acme.example"
    assert told == ["acme.contract_signed", "subscription_started"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("body", "state"),
    [
        (b"x", "quarantined"),
        (b"[" * 3_000, "quarantined"),
        (b"[]", "quarantined"),
        (b"{}", "quarantined"),
        (b'{"kind": "contract.signed"}', "quarantined"),
        (json.dumps(SIGNED | {"id": "x" * 256}).encode(), "quarantined"),
        (json.dumps(SIGNED | {"kind": ["contract.signed"]}).encode(), "quarantined"),
        (json.dumps(SIGNED | {"who": {}}).encode(), "dead"),
        (json.dumps(SIGNED | {"contract": None}).encode(), "dead"),
        (json.dumps(SIGNED | {"plan": None}).encode(), "processed"),
        (b'{"kind": "contract.shredded", "id": 5}', "processed"),
    ],
)
def test_third_provider__keeps_what_is_proven(client: Client, body: bytes, state: str) -> None:
    response = client.post("/webhooks/acme", body, "text/plain", headers=KEY)

    assert response.status_code == 200
    assert WebhookEvent.objects.get().state == state
