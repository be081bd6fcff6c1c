"""Proof that a delivery knows the endpoint's secret, and the envelope around it."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy

from billing_webhooks.exceptions import NotProven, NotUnderstood
from billing_webhooks.facts import Fact
from billing_webhooks.findings import Finding
from billing_webhooks.providers.base import (
    Delivery,
    Envelope,
    NewSecret,
    Provider,
    Trust,
    digest_of,
)
from billing_webhooks.providers.billabear import (
    checking,
    confirming,
    diagnosis,
    reading,
    secrets,
    shape,
)
from billing_webhooks.providers.billabear.client import client_of
from billing_webhooks.providers.billabear.meanings import MEANINGS
from billing_webhooks.providers.billabear.signals import SIGNALS
from billing_webhooks.providers.strict_json import NotStrictJSON, parse

QUERY_PARAMETER = "token"


class BillaBearProvider(Provider):
    """
    A BillaBear installation. OPTIONS: SECRETS, a list of texts of which each proves a
    delivery; several at once let you rotate, because BillaBear cannot edit an endpoint.
    With API_URL and API_KEY, both or neither, events are confirmed by BillaBear's API.
    """

    max_body_bytes = 1024 * 1024
    rejects_unreadable = True
    signals = SIGNALS
    meanings = MEANINGS
    advice = {
        "secret": gettext_lazy(
            "No secret of SECRETS was in the URL. If it is BillaBear's own delivery, compare its "
            "endpoint with SECRETS; a proxy may also have dropped the Authorization header."
        ),
    }
    option_names = frozenset({"SECRETS", "API_URL", "API_KEY"})

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        texts = options.get("SECRETS", [])
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            raise ImproperlyConfigured(f"{self.where}['SECRETS'] must be a list of texts.")
        # An empty text is no secret: it would let in everybody who sends none.
        self._secrets = [_digest(text.encode()) for text in texts if text]
        self._client = client_of(self.where, options)

    def verify(self, delivery: Delivery) -> Envelope:
        """
        Return the envelope of a delivery whose URL held one of the secrets.

        The secret may be the user or password of Basic userinfo, the last part of the
        path, or the query parameter `token`. What is proven but no event is marked
        with its problem: BillaBear never sends again, so even that is kept.

        Source: the sender's own classes, run and observed, 2026-04.
        """
        if not self._is_proven(delivery):
            raise NotProven("secret")
        problem = _transport_problem(delivery)
        if problem:
            return _quarantined(problem)
        return self.envelope(delivery.body, delivery.received_at)

    def envelope(self, body: bytes, received_at: datetime) -> Envelope:
        try:
            payload = self.decode(body)
            event_type = shape.checked_type(payload)
            identity = _identity(event_type, payload)
            return Envelope(
                event_type=event_type,
                subject=shape.subject(event_type, payload),
                trust=Trust.SECRET,
                identity=identity,
                # Its type is part of what identifies it.
                content_digest="" if identity is None else digest_of(payload, without={"type"}),
            )
        except NotUnderstood as error:
            return _quarantined(str(error))

    def decode(self, body: bytes) -> dict[str, Any]:
        try:
            document = parse(body)
        except NotStrictJSON as error:
            raise NotUnderstood(f"The body is {error}.") from None
        if not isinstance(document.value, dict):
            raise NotUnderstood("The body is no JSON object.")
        if document.repeated_keys & shape.KEYS:
            raise NotUnderstood("The body names a key twice, so what was meant is not certain.")
        return document.value

    def read(
        self, event_type: str, payload: Mapping[str, Any], occurred_at: datetime
    ) -> Sequence[Fact]:
        return reading.read(event_type, payload, occurred_at)

    @property
    def confirms(self) -> bool:
        return self._client is not None

    def confirm(
        self, event_type: str, payload: Mapping[str, Any], *, may_wait: bool
    ) -> Mapping[str, Any] | None:
        """
        Return what BillaBear's API says of an event's customer, subscription, plan or payment.

        A payment that the API does not know, or with another amount, is never confirmed.
        """
        if self._client is None:
            return None
        return confirming.confirm(self._client, event_type, payload, may_wait=may_wait)

    def check(self) -> list[CheckMessage]:
        return [
            *checking.check(self.alias, self._texts()),
            *checking.check_api(self.alias, self._client),
        ]

    @property
    def secret_digests(self) -> frozenset[bytes]:
        return frozenset(self._secrets)

    def diagnose(self, url: str) -> Iterator[Finding]:
        lengths = [len(text) for text in self._texts()] or [len(secrets.fresh_secret())]
        yield from diagnosis.diagnose(self.alias, url, max(lengths))
        if self._client is not None:
            yield diagnosis.api_finding(self.alias, self._client)

    def new_secret(self, url: str) -> NewSecret:
        secret = secrets.fresh_secret()
        whole = secrets.with_secret(url, secret)
        problem = secrets.length_problem(whole)
        warning = f"{problem} {secrets.SHORTEN}" if problem else ""
        return NewSecret(secret, f"{self.where}['SECRETS']", whole, warning)

    def _texts(self) -> list[str]:
        return [text for text in self.options.get("SECRETS", []) if text]

    def _is_proven(self, delivery: Delivery) -> bool:
        # Digests have one length, so comparing takes the same time for every candidate.
        proven = False
        for token in _candidates(delivery):
            digest = _digest(token)
            for secret in self._secrets:
                proven |= hmac.compare_digest(digest, secret)
        return proven


def _quarantined(problem: str) -> Envelope:
    # Equal bytes do not prove a duplicate, so nothing identifies such a delivery.
    return Envelope(event_type="", subject="", trust=Trust.SECRET, identity=None, problem=problem)


def _digest(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def _candidates(delivery: Delivery) -> Iterator[bytes]:
    """
    Yield every text of a delivery that could be the secret, as bytes.

    Each variable that holds one, here and on the way, has a name by which error reports
    leave it out.
    """
    scheme, _, credentials = delivery.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            token, _, password = base64.b64decode(credentials.strip()).partition(b":")
        except (binascii.Error, ValueError):
            pass
        else:
            yield token
            yield password
    for secret in (delivery.path_token, delivery.query.get(QUERY_PARAMETER, "")):
        yield secret.encode(errors="surrogatepass")


def _transport_problem(delivery: Delivery) -> str:
    if delivery.truncated:
        return "The body is shorter than its Content-Length."
    if delivery.is_encoded:
        return "The body is compressed, which BillaBear never does."
    return ""


def _identity(event_type: str, payload: Mapping[str, Any]) -> str | None:
    # BillaBear sends no event id, and two equal bodies can be two real events (two seat
    # changes), so a hash of the body must not stand in for one. Only a payment has an id
    # of its own, and it may be sent again.
    if event_type == "payment_received":
        return f"payment_received:{payload['id']}"
    return None
