"""Proof that Kinde sent a delivery, and the envelope around what it says."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured

from billing_webhooks.exceptions import NotAnEvent, NotProven, NotUnderstood, UnsupportedEncoding
from billing_webhooks.facts import Fact
from billing_webhooks.findings import Finding
from billing_webhooks.providers.base import Delivery, Envelope, Provider, SigningKey
from billing_webhooks.providers.fetching import has_host, is_safe_url
from billing_webhooks.providers.kinde import diagnosis, issuers, reading
from billing_webhooks.providers.kinde.advice import ADVICE
from billing_webhooks.providers.kinde.envelopes import claims_in, envelope_of
from billing_webhooks.providers.kinde.jws import CompactJWS, payload_of
from billing_webhooks.providers.kinde.keys import KeySet
from billing_webhooks.providers.kinde.meanings import MEANINGS
from billing_webhooks.providers.kinde.ring import GRACE_SECONDS, TrustedKey
from billing_webhooks.providers.kinde.signals import SIGNALS

JWKS_PATH = "/.well-known/jwks.json"

DEFAULT_MAX_AGE = timedelta(hours=72)
# For so long after an event Kinde sends it again.
# Source: docs.kinde.com, "About webhooks", 2026-04.
LONGEST_RETRY = timedelta(hours=36)


class KindeProvider(Provider):
    """
    A Kinde tenant. OPTIONS: ISSUER, such as "https://acme.kinde.com", and optionally
    JWKS_URL where the key set is not at its usual place under the issuer, and MAX_AGE, a
    timedelta by which the signed `timestamp` may be older than the arrival, or None for any.
    """

    max_body_bytes = 256 * 1024
    kept_headers = ("content-type", "user-agent", "webhook-id")
    signals = SIGNALS
    meanings = MEANINGS
    advice = ADVICE
    option_names = frozenset({"ISSUER", "JWKS_URL", "MAX_AGE"})

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
        self.keys = KeySet(jwks_url, alias)
        self.max_age: timedelta | None = options.get("MAX_AGE", DEFAULT_MAX_AGE)
        if not isinstance(self.max_age, timedelta | None):
            raise ImproperlyConfigured(f"{self.where}['MAX_AGE'] must be a timedelta or None.")

    def verify(self, delivery: Delivery) -> Envelope:
        """
        Return the envelope of a delivery that Kinde signed.

        The body is a compact JWS, RS256, by a key of the configured issuer's JWKS.
        `timestamp`, when it was built, may be at most MAX_AGE older than the arrival. Raise
        NotAnEvent, NotProven, UnsupportedEncoding, or CannotVerifyNow if no usable key can
        be had.

        Source: docs.kinde.com, "About webhooks", 2026-04.
        """
        if delivery.is_encoded:
            raise UnsupportedEncoding("content_encoding")
        if delivery.truncated:
            raise NotAnEvent("truncated")
        token = CompactJWS.parse(delivery.body)
        self._check_signature(token)
        return envelope_of(token.payload, delivery.received_at, self.issuer, self.max_age)

    def envelope(self, body: bytes, received_at: datetime) -> Envelope:
        # How old it may be was decided when it came.
        payload = CompactJWS.parse(body).payload
        return envelope_of(payload, received_at, self.issuer, max_age=None)

    def decode(self, body: bytes) -> dict[str, Any]:
        try:
            return claims_in(payload_of(body))
        except (NotAnEvent, NotProven):
            raise NotUnderstood("The stored body is no compact JWS.") from None

    def read(
        self, event_type: str, payload: Mapping[str, Any], occurred_at: datetime
    ) -> Sequence[Fact]:
        return reading.read(event_type, payload, occurred_at)

    def check(self) -> list[CheckMessage]:
        return [
            *self._check_tls(),
            *self._check_age(),
            *issuers.check(self.alias, self.options["ISSUER"]),
        ]

    def diagnose(self, url: str) -> Iterator[Finding]:
        return diagnosis.diagnose(self.alias, self.keys.url)

    def signing_keys(self, *, refresh: bool = False) -> Sequence[SigningKey]:
        ring = self.keys.renew() if refresh else self.keys.ring()
        return [] if ring is None else [_signing_key(each) for each in ring.keys]

    @property
    def keys_fetched_at(self) -> datetime | None:
        fetched_at = self.keys.fetched_at
        return None if fetched_at is None else datetime.fromtimestamp(fetched_at, UTC)

    def forget_keys(self, ids: Collection[str] = ()) -> None:
        self.keys.forget(ids)

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

    def _check_age(self) -> list[CheckMessage]:
        if self.max_age is None or self.max_age > LONGEST_RETRY:
            return []
        return [
            checks.Warning(
                f"{self.alias!r} refuses what is sent again late: Kinde does so for 36 hours.",
                hint="Leave MAX_AGE out (it is 72 hours), or make it more than 36 hours.",
                id="billing_webhooks.W103",
            )
        ]

    def _check_signature(self, token: CompactJWS) -> None:
        """Raise NotProven, which tells the digest of the key's id, or CannotVerifyNow."""
        try:
            keys = self.keys.find(token.kid)
            signer = next((each for each in keys if token.is_signed_by(each.key)), None)
            if signer is None:
                raise NotProven("signature")
            if not self.keys.is_still_trusted(signer):
                raise NotProven("forgotten_key")
        except NotProven as refusal:
            raise NotProven(refusal.reason, f"kid_sha={token.kid_digest}") from None


def _signing_key(trusted: TrustedKey) -> SigningKey:
    vanished_at = trusted.vanished_at
    if vanished_at is None:
        return SigningKey(trusted.kid, trusted.key.key_size)
    return SigningKey(
        trusted.kid,
        trusted.key.key_size,
        datetime.fromtimestamp(vanished_at, UTC),
        datetime.fromtimestamp(vanished_at + GRACE_SECONDS, UTC),
    )
