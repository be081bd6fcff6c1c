"""What every provider promises, whatever its proof looks like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from django.test import Client

from billing_webhooks.models import WebhookEvent

State = WebhookEvent.State
Outcome = WebhookEvent.Outcome


@dataclass(frozen=True)
class Post:
    """One delivery as it goes over the wire."""

    path: str
    body: bytes
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    def send(self, client: Client) -> Any:
        return client.post(
            self.path, self.body, content_type=self.content_type, headers=dict(self.headers)
        )


class ProviderContract:
    """
    Inherit it as `Test…Contract` and say how this provider's deliveries are made.

    Override the fixtures `genuine` and `of_unknown_type` (they may ask for fixtures of
    their own) and the method `tampered`.
    """

    pytestmark: ClassVar = [pytest.mark.django_db]

    @pytest.fixture
    def genuine(self) -> Post:
        """An event of a known type, identified by the provider so that it may be repeated."""
        raise NotImplementedError

    @pytest.fixture
    def of_unknown_type(self) -> Post:
        """A proven event of a type that nobody has heard of."""
        raise NotImplementedError

    def tampered(self, post: Post, where: float) -> Post:
        """
        Return the same delivery with one byte changed.

        It is a byte of what the proof covers, or of the secret that is the proof, at
        `where` between 0 (the first) and 1 (the last).
        """
        raise NotImplementedError

    def test_genuine__stored_and_worked(self, client: Client, genuine: Post) -> None:
        response = genuine.send(client)

        event = WebhookEvent.objects.get()
        assert response.status_code == 200
        assert bytes(event.body) == genuine.body
        assert (event.state, event.deliveries) == (State.PROCESSED, 1)
        assert event.outcome != Outcome.UNHANDLED

    @pytest.mark.parametrize("where", [0, 0.2, 0.4, 0.6, 0.8, 1])
    def test_changed_byte__refused(self, client: Client, genuine: Post, where: float) -> None:
        changed = self.tampered(genuine, where)
        assert changed != genuine

        assert changed.send(client).status_code in {400, 401}
        assert not WebhookEvent.objects.exists()

    def test_refused_delivery__does_not_stand_in_for_the_genuine_one(
        self, client: Client, genuine: Post
    ) -> None:
        self.tampered(genuine, 0.5).send(client)

        assert genuine.send(client).status_code == 200
        assert WebhookEvent.objects.get().deliveries == 1

    def test_unknown_type__kept(self, client: Client, of_unknown_type: Post) -> None:
        assert of_unknown_type.send(client).status_code == 200

        event = WebhookEvent.objects.get()
        assert bytes(event.body) == of_unknown_type.body
        assert (event.state, event.outcome) == (State.PROCESSED, Outcome.UNHANDLED)

    def test_repeated__one_event(self, client: Client, genuine: Post) -> None:
        assert genuine.send(client).status_code == 200
        assert genuine.send(client).status_code == 200

        assert WebhookEvent.objects.get().deliveries == 2
