"""What a rightly signed payload says about itself: whether it is an event at all, and which."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeGuard

from billing_webhooks.exceptions import NotProven, NotUnderstood
from billing_webhooks.providers.base import Envelope, Trust, digest_of
from billing_webhooks.providers.kinde import reading
from billing_webhooks.providers.paths import MAX_TYPE_LENGTH, id_at, storable, time_at
from billing_webhooks.providers.strict_json import NotStrictJSON, parse

# A time further ahead than this comes from a broken clock and must not win over
# every later event.
MAX_AHEAD = timedelta(days=1)
# Clocks differ by so much without anybody having to know.
LEEWAY = timedelta(minutes=5)

# Access, ID and machine tokens of the same tenant are signed with the same keys.
# RFC 8725 section 2.8: what tells a webhook from them must be asked for.
WEBHOOK_CLAIMS = frozenset({"event_id", "type", "data"})
TOKEN_CLAIMS = frozenset({"sub", "aud", "azp", "scp", "scope", "gty", "exp", "nbf", "iat", "jti"})


def envelope_of(
    payload: bytes, received_at: datetime, issuer: str, max_age: timedelta | None
) -> Envelope:
    """
    Return the envelope of a rightly signed payload.

    Raise NotProven for tokens that are no webhooks, of another issuer or too old; what
    else is wrong with it is its problem, and it is kept.
    """
    try:
        claims = claims_in(payload)
    except NotUnderstood as error:
        return _quarantined(payload, str(error))
    _refuse_foreign(claims, received_at, issuer)
    _refuse_old(claims, received_at, max_age)
    event_id, event_type = _event_id(claims), _event_type(claims)
    if not event_id:
        return _quarantined(payload, "It has no usable event_id.")
    if not event_type:
        return _quarantined(payload, "It has no usable type.")
    said_at = time_at(claims, "event_timestamp")
    occurred_at = said_at or time_at(claims, "timestamp")
    return Envelope(
        event_type=event_type,
        subject=reading.subject(claims),
        trust=Trust.SIGNED,
        identity=event_id,
        external_id=event_id,
        occurred_at=None if _is_ahead(occurred_at, received_at, MAX_AHEAD) else occurred_at,
        # When it was built may be another time in each attempt; its id identifies it.
        content_digest=digest_of(claims, without={"timestamp", "event_id"}),
        warning=_warning(claims, said_at, occurred_at, received_at),
    )


def _refuse_foreign(claims: Mapping[str, Any], received_at: datetime, issuer: str) -> None:
    """Refuse tokens of the same tenant that are no webhooks, and webhooks of another."""
    missing = WEBHOOK_CLAIMS - claims.keys()
    if missing == WEBHOOK_CLAIMS or (missing and TOKEN_CLAIMS & claims.keys()):
        raise NotProven("not_a_webhook")
    said = claims.get("iss")
    if said is not None and not (isinstance(said, str) and said.rstrip("/") == issuer):
        raise NotProven("issuer")
    expiry = claims.get("exp")
    if _is_number(expiry) and expiry < (received_at - LEEWAY).timestamp():
        raise NotProven("expired")


def _refuse_old(
    claims: Mapping[str, Any], received_at: datetime, max_age: timedelta | None
) -> None:
    if max_age is None:
        return
    built_at = time_at(claims, "timestamp")
    if built_at is not None and received_at - built_at > max_age:
        raise NotProven("too_old")


def _is_number(value: Any) -> TypeGuard[int | Decimal]:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _is_ahead(moment: datetime | None, received_at: datetime, by: timedelta) -> bool:
    return moment is not None and moment - received_at > by


def _warning(
    claims: Mapping[str, Any],
    said_at: datetime | None,
    occurred_at: datetime | None,
    received_at: datetime,
) -> str:
    """Return what is odd about an event that is kept all the same."""
    if occurred_at is None:
        return "it has no readable time, so its arrival orders it"
    if _is_ahead(occurred_at, received_at, MAX_AHEAD):
        return "it is dated more than a day ahead, so its arrival orders it; is the clock right?"
    if _is_ahead(occurred_at, received_at, LEEWAY):
        return "it is dated ahead of our time; is the clock right?"
    if said_at is None and claims.get("event_timestamp") is not None:
        return "its event_timestamp cannot be read, so its timestamp orders it"
    latest = (received_at + LEEWAY).timestamp()
    if any(_is_number(claims.get(name)) and claims[name] > latest for name in ("iat", "nbf")):
        return "it was issued ahead of our time; is the clock right?"
    if claims.get("exp") is not None and not _is_number(claims["exp"]):
        return "its exp is no number"
    return ""


def claims_in(payload: bytes) -> dict[str, Any]:
    """Return the claims of a payload that can be read without doubt, or raise NotUnderstood."""
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
