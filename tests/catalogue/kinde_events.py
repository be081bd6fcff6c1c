"""Genuine events of Kinde's that are old, odd, repeated, or not quite like one another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from billing_webhooks.testing import KindeIssuer
from tests.catalogue.cases import (
    CONTRADICTING,
    DONE,
    DOUBTING,
    STORING,
    Case,
    Expected,
    Make,
    World,
    again,
    applied,
    dead,
    of_token,
    on_both,
    refused,
    token_case,
)
from tests.catalogue.sending import Request, post
from tests.kinde.deliveries import AGREEMENT_ID, CHANGED_PLAN, CUSTOMER_ID
from tests.kinde.events import EVENT_ID, event
from tests.kinde.tokens import Make as MakeToken

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def of(**claims: Any) -> MakeToken:
    return lambda issuer: issuer.sign(event(**claims))


def dated(by: timedelta, *names: str, **claims: Any) -> MakeToken:
    """Make an event whose times are so far from now, or only the named ones."""

    def make(issuer: KindeIssuer) -> bytes:
        moment = (datetime.now(UTC) + by).isoformat()
        times = names or ("event_timestamp", "timestamp")
        return issuer.sign(event(**dict.fromkeys(times, moment), **claims))

    return make


def claiming(name: str, by: timedelta) -> MakeToken:
    """Make an event with a time in seconds, so far from now."""
    return lambda issuer: issuer.sign(event(**{name: int((datetime.now(UTC) + by).timestamp())}))


# A number would be a time in an unknown unit; the rest is no time at all.
UNREADABLE_TIMES: dict[str, Any] = {
    "empty": "",
    "garbage": "yesterday",
    "number": 1772447400,
    "huge-number": 10**400,
    "list": ["2026"],
    "month-13": "2026-13-01T00:00:00Z",
    "leap-second": "2016-12-31T23:59:60Z",
    "other-digits": "\uff12026-03-02T10:30:00Z",
    "lone-surrogate": "2026-03-02T10:30:00\ud800",
    "before-year-1": "0001-01-01T00:00:00+14:00",
    "year-1": "0001-01-01T00:00:00Z",
    "after-year-9999": "9999-12-31T23:59:59-14:00",
}
NO_NUMBERS: dict[str, Any] = {"text": "abc", "list": [], "true": True}
TIMES = [
    token_case(43, "40-hours-late", dated(-40 * HOUR), on_both(applied())),
    token_case(43, "71-hours-late", dated(-71 * HOUR), applied()),
    token_case(43, "73-hours-late", dated(-73 * HOUR), on_both(refused(401, "too_old"))),
    token_case(43, "a-year-late", dated(-365 * 24 * HOUR), refused(401, "too_old")),
    # What happened long ago may be told today: the age is that of the telling.
    token_case(43, "old-event-sent-today", dated(-200 * HOUR, "event_timestamp"), applied()),
    token_case(43, "sent-long-ago", dated(-73 * HOUR, "timestamp"), refused(401, "too_old")),
    token_case(42, "4-minutes-ahead", dated(4 * MINUTE), applied()),
    token_case(42, "6-minutes-ahead", dated(6 * MINUTE), applied(DOUBTING)),
    token_case(42, "23-hours-ahead", dated(23 * HOUR), on_both(applied(DOUBTING))),
    token_case(42, "two-days-ahead", dated(48 * HOUR), applied(DOUBTING)),
    token_case(
        42,
        "year-2099",
        of(event_timestamp="2099-01-01T00:00:00Z", timestamp="2099-01-01T00:00:00Z"),
        applied(DOUBTING),
    ),
    token_case(
        42, "year-9999", of(event_timestamp="9999-12-31T23:59:59Z"), on_both(applied(DOUBTING))
    ),
    token_case(42, "event-timestamp-null", of(event_timestamp=None), applied()),
    *(
        token_case(42, f"event-timestamp-{name}", of(event_timestamp=value), applied(DOUBTING))
        for name, value in UNREADABLE_TIMES.items()
    ),
    token_case(
        42,
        "no-readable-time-at-all",
        of(event_timestamp="yesterday", timestamp="today"),
        applied(DOUBTING),
    ),
    token_case(33, "exp-null", of(exp=None), applied()),
    *(
        token_case(33, f"exp-{name}", of(exp=value), applied(DOUBTING))
        for name, value in NO_NUMBERS.items()
    ),
    *(
        token_case(34, f"{name}-{label}-ahead", claiming(name, by), applied(log))
        for name in ("iat", "nbf")
        for label, by, log in (
            ("2-seconds", timedelta(seconds=2), STORING),
            ("an-hour", HOUR, DOUBTING),
        )
    ),
]


def twice(
    row: int | tuple[int, ...], name: str, first: Make, second: Make, expected: Expected
) -> Case:
    rows = row if isinstance(row, tuple) else (row,)
    return Case(rows, name, second, on_both(expected), before=((first, 200),))


ONE = of_token(of())
OTHER_CUSTOMER = of_token(of(data={"customer_id": "customer_2", "plan": {"code": "basic"}}))
TWO = Expected(200, ("processed",) * 2, touched=True, log=(STORING, DONE))


def with_webhook_id(*ids: str | bytes) -> Make:
    """Return what posts the genuine event with these headers."""

    def make(world: World) -> Request:
        headers = [
            b"webhook-id: " + (each if isinstance(each, bytes) else each.encode()) for each in ids
        ]
        return post("/webhooks/kinde", world.issuer.sign(event()), *headers)

    return make


# The one before is kept, this one beside it.
CONFLICT = Expected(
    200, ("processed",), touched=True, log=(CONTRADICTING,), deliveries=2, conflicts=1
)
REPEATED = [
    twice(44, "same-body", ONE, ONE, again(applied())),
    twice(45, "another-webhook-id", with_webhook_id("a"), with_webhook_id("b"), again(applied())),
    twice(
        44,
        "signed-anew-with-a-later-timestamp",
        of_token(dated(-HOUR, "timestamp")),
        of_token(dated(0 * HOUR, "timestamp")),
        again(applied()),
    ),
    twice(40, "same-id-other-data", ONE, OTHER_CUSTOMER, CONFLICT),
    twice(40, "same-id-other-type", ONE, of_token(of(type="customer.unknown")), CONFLICT),
    twice(
        38,
        "number-and-text",
        of_token(of(event_id=7)),
        of_token(of(event_id="7")),
        again(applied()),
    ),
    *(
        twice(39, f"event-id-of-another-{name}", ONE, of_token(of(event_id=other)), TWO)
        for name, other in {
            "case": EVENT_ID.upper(),
            "last-space": EVENT_ID + " ",
            "accent": EVENT_ID.replace("a", "\u00e1"),
        }.items()
    ),
    twice(
        39, "emoji", of_token(of(event_id="\U0001f600")), of_token(of(event_id="\U0001f680")), TWO
    ),
    Case(
        (46,),
        "another-alias-of-the-same-tenant",
        of_token(of(), "kinde-eu"),
        on_both(TWO),
        before=((ONE, 200),),
        alias="kinde-eu",
        fetches=1,
    ),
]

WEBHOOK_IDS = [
    Case((47,), "webhook-id-missing", ONE, on_both(applied())),
    Case((47,), "webhook-id-empty", with_webhook_id(""), on_both(applied())),
    Case((47,), "webhook-id-7-kb", with_webhook_id("w" * 7_000), on_both(applied())),
    Case((47,), "webhook-id-non-ascii", with_webhook_id("w\u00e9"), on_both(applied())),
    Case((47,), "webhook-id-latin-1", with_webhook_id(b"w\xe9\t"), on_both(applied())),
    Case((47,), "webhook-id-repeated", with_webhook_id("a", "b"), on_both(applied())),
]

UNSTORABLE: dict[str, dict[str, Any]] = {
    "too-long": {"customer_id": "c" * 256},
    "nul": {"customer_id": CUSTOMER_ID, "plan": {"code": "pro\0"}},
    "lone-surrogate": {"agreement_id": AGREEMENT_ID, "customer": {"id": "customer\ud800"}},
}
ODD_AMOUNTS = ("999999999999999999.9999999", "-999999999999999999.9999999", 1e300, 0, "\0")
DATA = [
    *(
        token_case(78, f"customer-id-{name}", of(data=data), dead())
        for name, data in UNSTORABLE.items()
    ),
    *(
        token_case(
            74,
            f"amount-{amount!r}",
            of(
                type="customer.payment_succeeded",
                data={"payment_id": "payment_1", "amount": amount, "currency": "\0\ud800"},
            ),
            applied(),
        )
        for amount in ODD_AMOUNTS
    ),
    token_case(
        79,
        "texts-longer-than-their-columns",
        of(
            data={
                **CHANGED_PLAN,
                "plan": {"code": "c" * 255, "name": "n" * 10_000},
                "customer": {"email": "e" * 10_000},
            }
        ),
        on_both(applied()),
    ),
]
CASES = [*TIMES, *REPEATED, *WEBHOOK_IDS, *DATA]
