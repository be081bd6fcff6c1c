"""Proof that Kinde sent a delivery, and the envelope around what it says."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.exceptions import NotAnEvent, NotProven, NotUnderstood, UnsupportedEncoding
from billing_webhooks.facts import Fact
from billing_webhooks.findings import Finding
from billing_webhooks.providers.base import Delivery, Envelope, Provider, Trust
from billing_webhooks.providers.kinde import diagnosis, issuers, reading
from billing_webhooks.providers.kinde.fetching import has_host, is_safe_url
from billing_webhooks.providers.kinde.jws import CompactJWS
from billing_webhooks.providers.kinde.keys import KeySet
from billing_webhooks.providers.kinde.signals import SIGNALS
from billing_webhooks.providers.paths import MAX_TYPE_LENGTH, id_at, storable, time_at
from billing_webhooks.providers.strict_json import NotStrictJSON, parse

logger = logging.getLogger(__name__)

JWKS_PATH = "/.well-known/jwks.json"

# A time further ahead than this comes from a broken clock and must not win over
# every later event.
MAX_AHEAD = timedelta(days=1)
EXPIRY_LEEWAY = timedelta(minutes=5)

# Access, ID and machine tokens of the same tenant are signed with the same keys.
# RFC 8725 section 2.8: what tells a webhook from them must be asked for.
WEBHOOK_CLAIMS = frozenset({"event_id", "type", "data"})
TOKEN_CLAIMS = frozenset({"sub", "aud", "azp", "scp", "scope", "gty", "exp", "nbf", "iat", "jti"})


class KindeProvider(Provider):
    """
    A Kinde tenant. OPTIONS: ISSUER, such as "https://acme.kinde.com", and optionally
    JWKS_URL where the key set is not at its usual place under the issuer.
    """

    max_body_bytes = 256 * 1024
    kept_headers = ("content-type", "user-agent", "webhook-id")
    signals = SIGNALS
    option_names = frozenset({"ISSUER", "JWKS_URL"})

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        if not has_host(options.get("ISSUER")):
            raise ImproperlyConfigured(
                f"{self.where}['ISSUER'] must be your Kinde domain, such as 'https://acme.kinde.com'."
            )
        self.issuer: str = options["ISSUER"].rstrip("/")
        jwks_url = options.get("JWKS_URL") or self.issuer + JWKS_PATH
        if not has_host(jwks_url):
            raise ImproperlyConfigured(f"{self.where}['JWKS_URL'] must be a URL or left out.")
        self.keys = KeySet(jwks_url)

    def verify(self, delivery: Delivery) -> Envelope:
        """
        Return the envelope of a delivery that Kinde signed.

        The body is a compact JWS, RS256, by a key of the configured issuer's JWKS.
        Raise NotAnEvent, NotProven, UnsupportedEncoding, or CannotVerifyNow if no
        usable key can be had.

        Source: docs.kinde.com, "About webhooks", 2026-04.
        """
        if delivery.is_encoded:
            raise UnsupportedEncoding("content_encoding")
        if delivery.truncated:
            raise NotAnEvent("truncated")
        token = CompactJWS.parse(delivery.body)
        try:
            keys = self.keys.find(token.kid)
        except NotProven as refusal:
            raise NotProven(refusal.reason, f"kid_sha={token.kid_digest}") from None
        if not any(token.is_signed_by(key) for key in keys):
            raise NotProven("signature", f"kid_sha={token.kid_digest}")
        return self._envelope(token.payload, delivery.received_at)

    def envelope(self, body: bytes, received_at: datetime) -> Envelope:
        return self._envelope(CompactJWS.parse(body).payload, received_at)

    def decode(self, body: bytes) -> dict[str, Any]:
        try:
            return _claims(CompactJWS.parse(body).payload)
        except (NotAnEvent, NotProven):
            raise NotUnderstood("The stored body is no compact JWS.") from None

    def read(
        self, event_type: str, payload: Mapping[str, Any], occurred_at: datetime
    ) -> Sequence[Fact]:
        return reading.read(event_type, payload, occurred_at)

    def check(self) -> list[CheckMessage]:
        return [*self._check_tls(), *issuers.check(self.alias, self.options["ISSUER"])]

    def diagnose(self, url: str) -> Iterator[Finding]:
        return diagnosis.diagnose(self.alias, self.keys.url)

    def _check_tls(self) -> list[CheckMessage]:
        if is_safe_url(self.keys.url):
            return []
        return [
            checks.Warning(
                f"The key set of {self.alias!r} would be fetched without TLS, so anybody on the "
                f"way could sign events; it is not fetched at all.",
                hint="Use an https:// ISSUER (and JWKS_URL, if you set one).",
                id="billing_webhooks.W101",
            )
        ]

    def _envelope(self, payload: bytes, received_at: datetime) -> Envelope:
        """Return the envelope of a rightly signed payload; only foreign tokens are refused."""
        try:
            claims = _claims(payload)
        except NotUnderstood as error:
            return _quarantined(payload, str(error))
        self._refuse_foreign(claims, received_at)
        event_id, event_type = _event_id(claims), _event_type(claims)
        if not event_id:
            return _quarantined(payload, "It has no usable event_id.")
        if not event_type:
            return _quarantined(payload, "It has no usable type.")
        return Envelope(
            event_type=event_type,
            subject=reading.subject(claims),
            trust=Trust.SIGNED,
            identity=event_id,
            external_id=event_id,
            occurred_at=self._occurred_at(claims, received_at),
        )

    def _refuse_foreign(self, claims: Mapping[str, Any], received_at: datetime) -> None:
        """Refuse tokens of the same tenant that are no webhooks, and webhooks of another."""
        missing = WEBHOOK_CLAIMS - claims.keys()
        if missing == WEBHOOK_CLAIMS or (missing and TOKEN_CLAIMS & claims.keys()):
            raise NotProven("not_a_webhook")
        issuer = claims.get("iss")
        if issuer is not None and not (
            isinstance(issuer, str) and issuer.rstrip("/") == self.issuer
        ):
            raise NotProven("issuer")
        expiry = claims.get("exp")
        if (
            isinstance(expiry, int | Decimal)
            and not isinstance(expiry, bool)
            and expiry < (received_at - EXPIRY_LEEWAY).timestamp()
        ):
            raise NotProven("expired")

    def _occurred_at(self, claims: Mapping[str, Any], received_at: datetime) -> datetime | None:
        occurred_at = time_at(claims, "event_timestamp", "timestamp")
        if occurred_at is None:
            logger.debug("An event of %s has no readable time; arrival orders it.", self.alias)
        elif occurred_at - received_at > MAX_AHEAD:
            logger.debug("An event of %s is dated far ahead; arrival orders it.", self.alias)
            return None
        return occurred_at


def _claims(payload: bytes) -> dict[str, Any]:
    try:
        document = parse(payload)
    except NotStrictJSON as error:
        raise NotUnderstood(f"Its payload is {error}.") from None
    if not isinstance(document.value, dict):
        raise NotUnderstood("Its payload is no JSON object.")
    if document.repeated_keys:
        raise NotUnderstood("Its payload names a key twice, so what was meant is not certain.")
    return document.value


def _event_id(claims: Mapping[str, Any]) -> str:
    try:
        event_id = id_at(claims, "event_id")
    except NotUnderstood:
        return ""
    return event_id


def _event_type(claims: Mapping[str, Any]) -> str:
    sent = claims.get("type")
    return storable(sent) if isinstance(sent, str) and len(sent) <= MAX_TYPE_LENGTH else ""


def _quarantined(payload: bytes, problem: str) -> Envelope:
    """Return the envelope of an authentic payload that is no event, known by its own bytes."""
    return Envelope(
        event_type="",
        subject="",
        trust=Trust.SIGNED,
        identity="payload:" + hashlib.sha256(payload).hexdigest(),
        problem=problem,
    )
