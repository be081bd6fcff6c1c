"""What the tests of this folder share: somebody who is told every step, and a scrape."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from billing_webhooks.lifecycle import Name, Step, observe
from billing_webhooks.metrics.standing import standing


class Listener:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def hears(self, name: Name, level: int) -> bool:
        return True

    def told(self, step: Step) -> None:
        self.steps.append(step)

    @property
    def names(self) -> list[str]:
        return [step.name.value for step in self.steps]


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    stop = observe(listener)
    yield listener
    stop()


@dataclass(frozen=True)
class Scraped:
    """The samples of a scrape, by name and labels."""

    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def __call__(self, name: str, **labels: str) -> float:
        """Return a value, 0 for what is not there."""
        return self.samples.get((f"billing_webhooks_{name}", frozenset(labels.items())), 0.0)

    def labels(self, name: str) -> set[str]:
        """Return every value of this label that is there."""
        return {value for _, labels in self.samples for each, value in labels if each == name}

    @classmethod
    def of(cls, text: str) -> Scraped:
        families = text_string_to_metric_families(text)
        samples = [sample for family in families for sample in family.samples]
        return cls({(each.name, frozenset(each.labels.items())): each.value for each in samples})


TOKEN = "a-token-for-the-tests"
Scrape = Callable[[], Scraped]


@pytest.fixture
def scrape(client: Client, settings: Any) -> Scrape:
    """A scrape as Prometheus does it; what the database says is always fresh."""
    settings.BILLING_WEBHOOKS_METRICS_TOKEN = TOKEN

    def scrape() -> Scraped:
        standing.forget()
        response = client.get("/metrics/", headers={"Authorization": f"Bearer {TOKEN}"})
        assert response.status_code == 200
        return Scraped.of(response.content.decode())

    return scrape
