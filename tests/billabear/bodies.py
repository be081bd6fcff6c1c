"""Bodies that are no event, are an odd one, or say odd things."""

from __future__ import annotations

import codecs

from billing_webhooks.testing import billabear_body
from tests.billabear.deliveries import CONTENT, CUSTOMER, CUSTOMER_ID, PAYMENT_ID, subscription

TEXT = f'{{"type":"customer_created","customer":{{"id":"{CUSTOMER_ID}"}}}}'


def deep(levels: int) -> bytes:
    return b'{"type":"moon_landed","deep":' + b"[" * levels + b"]" * levels + b"}"


def payment(amount: str) -> bytes:
    return (
        f'{{"type":"payment_received","id":"{PAYMENT_ID}","customer":null,"amount":{amount}}}'
    ).encode()


NO_EVENTS = {
    "empty": b"",
    "whitespace": b" \r\n\t",
    "null": b"null",
    "true": b"true",
    "number": b"1",
    "text": b'"x"',
    "empty list": b"[]",
    "list": b"[1]",
    "list of events": b"[%s]" % TEXT.encode(),
    "two documents": TEXT.encode() * 2,
    "trailing comma": TEXT[:-1].encode() + b",}",
    "comment": TEXT.encode() + b" // no",
    "single quotes": TEXT.replace('"', "'").encode(),
    "hex": b'{"type":"moon_landed","a":0x10}',
    "plus": b'{"type":"moon_landed","a":+1}',
    "leading zero": b'{"type":"moon_landed","a":01}',
    "no-break space": b"\xc2\xa0" + TEXT.encode(),
    "raw NUL in a text": b'{"type":"moon\0landed"}',
    "raw tab in a text": b'{"type":"moon\tlanded"}',
    "NUL behind": TEXT.encode() + b"\0",
    "UTF-16": TEXT.encode("utf-16"),
    "UTF-16 without a mark": TEXT.encode("utf-16-le"),
    "UTF-32": TEXT.encode("utf-32"),
    "two byte order marks": codecs.BOM_UTF8 * 2 + TEXT.encode(),
    "invalid UTF-8": b'{"type":"moon_landed\xff"}',
    "encoded surrogate": b'{"type":"moon_landed\xed\xa0\x80"}',
    "NaN": b'{"type":"moon_landed","a":NaN}',
    "Infinity": b'{"type":"moon_landed","a":-Infinity}',
    "beyond a double": b'{"type":"moon_landed","a":1e400}',
    "4301 digits": payment("9" * 4301),
    "1,000 levels": deep(1_000),
    "3,000 levels": deep(3_000),
    "100,000 levels": deep(100_000),
    "repeated type": b'{"type":"moon_landed","type":"customer_created"}',
    "repeated id": TEXT.encode().replace(b'"id"', b'"id":"x","id"'),
    "PDF": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
    "XML": b"<?xml version='1.0'?><Invoice/>",
    "no type": b"{}",
    "null type": b'{"type":null}',
    "number for a type": b'{"type":5}',
    "list for a type": b'{"type":["customer_created"]}',
    "empty type": b'{"type":""}',
    "type of NUL": rb'{"type":"\u0000"}',
    "type of 101 characters": billabear_body("x" * 101),
    "no customer": billabear_body("customer_created"),
    "null customer": billabear_body("customer_created", customer=None),
    "customer is a text": billabear_body("customer_created", customer=CUSTOMER_ID),
    "customer is a list": billabear_body("customer_created", customer=[CUSTOMER]),
    "customer without id": billabear_body("customer_created", customer={"email": "a@b.c"}),
    "subscription without customer": billabear_body(
        "subscription_updated", subscription=subscription("active")
    ),
    "no subscription": billabear_body("trial_started", customer=CUSTOMER),
    "null subscription": billabear_body("trial_ended", customer=CUSTOMER, subscription=None),
    "no plan": billabear_body("plan_created"),
    "plan is a text": billabear_body("plan_updated", plan="Pro"),
    "payment without id": billabear_body("payment_received", customer=CUSTOMER, amount=1),
    "payment's customer is a text": billabear_body(
        "payment_received", **CONTENT["payment_received"] | {"customer": "x"}
    ),
}

IDS = {
    "number": 5,
    "true": True,
    "null": None,
    "empty": "",
    "list": [CUSTOMER_ID],
    "object": {"id": CUSTOMER_ID},
    "upper case": CUSTOMER_ID.upper(),
    "no hyphens": CUSTOMER_ID.replace("-", ""),
    "newline behind": CUSTOMER_ID + "\n",
    "NUL behind": CUSTOMER_ID + "\0",
    "path": f"../{CUSTOMER_ID}",
    "SQL": "' OR 1=1 --",
    "other digits": CUSTOMER_ID.replace("0", "\uff10"),
    "10 KB": "0" * 10_000,
}
EVENTS = {
    "byte order mark": codecs.BOM_UTF8 + TEXT.encode(),
    "whitespace around": b" \r\n" + TEXT.encode() + b"\n",
    "unused key twice": TEXT[:-1].encode() + b',"x":1,"x":2}',
    "NUL in a key": TEXT[:-1].encode() + rb',"x\u0000":1}',
    "surrogate in a key": TEXT[:-1].encode() + rb',"\ud800":1}',
    "4,300 digits": TEXT[:-1].encode() + b',"x":' + b"9" * 4300 + b"}",
    "NUL in the type": TEXT.encode().replace(b"_created", rb"\u0000_created"),
}


AMOUNTS = {
    "4,300 digits": "9" * 4300,
    "2**63": str(2**63),
    "10**18": str(10**18),
    "fraction": "19.99",
    "whole fraction": "19.0",
    "exponent": "1e3",
    "text": '"30"',
    "true": "true",
    "null": "null",
    "negative": "-1",
    "list": "[1]",
    "object": "{}",
}
