"""Bodies that know BillaBear's secret and are no event, or an odd one."""

from __future__ import annotations

import json
from typing import Any

from billing_webhooks.testing import billabear_body
from tests.billabear.bodies import AMOUNTS, EVENTS, IDS, NO_EVENTS, TEXT, payment
from tests.billabear.deliveries import CONTENT, CUSTOMER, PLAN
from tests.catalogue.cases import (
    DONE,
    STORING,
    Case,
    Expected,
    Make,
    again,
    applied,
    dead,
    kept,
    on_both,
    on_gunicorn,
    quarantined,
)
from tests.catalogue.sending import post
from tests.catalogue.settings import SECOND_SECRET
from tests.conftest import SECRET

PATH = f"/webhooks/billabear/{SECRET}"


def of_body(body: bytes, path: str = PATH) -> Make:
    return lambda world: post(path, body)


def case(row: int, name: str, body: bytes, expected: Expected, *, both: bool = False) -> Case:
    return Case((row,), name, of_body(body), (on_both if both else on_gunicorn)(expected))


# The rows of what is no event; all else is row 68, and is no JSON or no object.
ROWS: dict[int, tuple[str, ...]] = {
    69: ("UTF-16", "UTF-16 without a mark", "UTF-32", "two byte order marks"),
    70: ("invalid UTF-8", "encoded surrogate"),
    73: (
        *("NaN", "Infinity", "beyond a double", "4301 digits"),
        *("1,000 levels", "3,000 levels", "100,000 levels"),
    ),
    75: ("repeated type", "repeated id"),
    76: (
        *("no type", "null type", "number for a type", "list for a type", "empty type"),
        *("type of NUL", "type of 101 characters"),
        *("no customer", "null customer", "customer is a text", "customer is a list"),
        *("customer without id", "subscription without customer", "no subscription"),
        *("null subscription", "no plan", "plan is a text", "payment without id"),
        "payment's customer is a text",
    ),
}
ROW_OF = {name: row for row, names in ROWS.items() for name in names}


def _with_id(event_type: str, what: str, wrong: object) -> dict[str, Any]:
    """Return what an event holds, with another id of one of its objects, or of itself."""
    content = CONTENT[event_type]
    return content | ({what: content[what] | {"id": wrong}} if what else {"id": wrong})


UNREADABLE = [
    *(
        case(ROW_OF.get(name, 68), name, body, quarantined(400), both=True)
        for name, body in NO_EVENTS.items()
    ),
    *(
        case(
            78,
            f"{name} as id of {what} in {event_type}",
            billabear_body(event_type, **_with_id(event_type, what, wrong)),
            quarantined(400),
        )
        for event_type, what in (
            ("customer_updated", "customer"),
            ("subscription_updated", "subscription"),
            ("subscription_updated", "customer"),
            ("plan_updated", "plan"),
            ("payment_received", "customer"),
            ("payment_received", ""),
        )
        for name, wrong in IDS.items()
    ),
]

TEXTS = {
    71: {"NUL": r"a\u0000b@example.org"},
    72: {"lone surrogate": r"a\ud800b@example.org", "surrogate pair": r"\ud83d\ude00@example.org"},
    79: {"too long": "x" * 10_000},
    80: {
        "script": r"<script>alert(1)<\/script>",
        "script URL": "javascript:alert(1)",
        "right to left": r"\u202egro.elpmaxe@eno",
        "ANSI": r"\u001b[31m",
    },
    81: {
        "formula": "=HYPERLINK(1)",
        "plus": "+1",
        "minus": "-1",
        "at": "@SUM(1)",
        "tab": r"\t=1",
    },
}
OURS = {
    "pk": 5,
    "user_id": 1,
    "provider": "kinde",
    "registers": {"email": ["9999", "x", "y"]},
    "is_staff": True,
    "__class__": "x",
    "_state": "x",
    "organization_code": "org_1",
}
ROW_OF_EVENT = {"byte order mark": 69, "NUL in a key": 71, "surrogate in a key": 72}
APPLIED = [
    *(
        case(ROW_OF_EVENT.get(name, 75), name, body, applied(), both=True)
        for name, body in EVENTS.items()
    ),
    *(
        case(
            row,
            f"{name} as e-mail",
            TEXT.replace("}}", f',"email":"{text}"}}}}').encode(),
            applied(),
        )
        for row, texts in TEXTS.items()
        for name, text in texts.items()
    ),
    case(
        82,
        "fields of our own",
        billabear_body("customer_created", customer=CUSTOMER | OURS, **OURS),
        applied(),
        both=True,
    ),
    case(77, "unknown type", billabear_body("moon_landed"), kept(), both=True),
    case(77, "unknown type about nothing", billabear_body("x" * 100, customer=7), kept()),
    case(77, "unknown type with a surrogate", billabear_body("a\ud800"), kept()),
    case(
        77,
        "its objects are not asked for",
        billabear_body("plan_landed", plan=PLAN | {"id": "x"}),
        kept(),
    ),
]
MONEY = [
    *(case(74, f"amount {name}", payment(text), dead()) for name, text in AMOUNTS.items()),
    *(
        case(74, f"amount {amount}", payment(str(amount)), applied())
        for amount in (0, 1, 3000, 10**15 - 1)
    ),
]


def twice(row: int, name: str, first: Make, second: Make, expected: Expected) -> Case:
    return Case((row,), name, second, on_both(expected), before=((first, 200),))


TWO = Expected(200, ("processed",) * 2, touched=True, log=(STORING, DONE))
CREATED = of_body(TEXT.encode())
PAID = of_body(payment("3000"))
CHANGED = json.loads(billabear_body("subscription_updated", **CONTENT["subscription_updated"]))
REPEATED = [
    twice(84, "two equal bodies", CREATED, CREATED, TWO),
    twice(84, "the same payment", PAID, PAID, again(applied())),
    twice(
        84,
        "the same payment, with a NUL in its type",
        PAID,
        of_body(payment("3000").replace(b"_received", rb"_received\u0000")),
        again(applied()),
    ),
    twice(
        83,
        "customer of the same id at another installation",
        CREATED,
        of_body(TEXT.encode(), f"/webhooks/second/{SECOND_SECRET}"),
        TWO,
    ),
    twice(
        86,
        "an older status after a newer one",
        of_body(json.dumps(CHANGED).encode()),
        of_body(json.dumps(CHANGED).replace("active", "paused").encode()),
        TWO,
    ),
]
CASES = [*UNREADABLE, *APPLIED, *MONEY, *REPEATED]
